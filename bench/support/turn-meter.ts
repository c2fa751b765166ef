/**
 * Loaded into a gateway before its own code (`--import`): each data thread writes how long the longest turns of its event loop
 * were, every so often, as a line `turn COMPUTING CLOCK` in milliseconds. Computing is the processor time of the thread itself;
 * the clock also counts what other programs did meanwhile on a busy machine.
 */
import { isMainThread } from 'node:worker_threads';

const TOLD_EVERY_MS = 50;

function measure(): void {
  let atMs = performance.now();
  let usedUs = readUsedUs();
  let computingUs = 0;
  let clockMs = 0;
  setInterval(() => {
    const nowMs = performance.now();
    const nowUsedUs = readUsedUs();
    clockMs = Math.max(clockMs, nowMs - atMs);
    computingUs = Math.max(computingUs, nowUsedUs - usedUs);
    atMs = nowMs;
    usedUs = nowUsedUs;
  }, 1).unref();
  setInterval(() => {
    process.stdout.write(`turn ${(computingUs / 1000).toFixed(1)} ${clockMs.toFixed(1)}\n`);
    computingUs = 0;
    clockMs = 0;
  }, TOLD_EVERY_MS).unref();
}

function readUsedUs(): number {
  const { user, system } = process.threadCpuUsage();
  return user + system;
}

if (!isMainThread) measure();
