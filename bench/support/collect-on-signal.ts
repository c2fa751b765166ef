/**
 * Loaded into a gateway before its own code (`--import`, with `--expose-gc`): on SIGUSR2 every thread collects its garbage,
 * so that memory can be compared without waiting for V8 to feel like it. The product itself has no such signal.
 */
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

const channel = new BroadcastChannel('collect garbage');
channel.unref();

function collect(): void {
  // This flavor also gives back the pages that the heap has grown by and no longer needs.
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}

channel.onmessage = collect;
if (isMainThread) {
  process.on('SIGUSR2', () => {
    channel.postMessage('now');
    collect();
  });
}
