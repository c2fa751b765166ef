/**
 * Refreshes under way and lately done. Requests of one session come side by side and to any thread, and many providers let a
 * token refresh once only, and end the session of who shows it twice: the first request refreshes, and all others get what it
 * got, also those that come a while later with the cookie from before.
 */
import type { BroadcastChannel, MessagePort } from 'node:worker_threads';
import type { Clock } from '#base/clock.ts';
import type { Renewal } from './shared-refresh.ts';

const KEPT_MS = 300_000;
/** What could not be refreshed is tried again after this time. */
const UNAVAILABLE_KEPT_MS = 5_000;
/** With one more, the oldest is forgotten. */
const RENEWALS_MAX = 4_096;

interface DoneRenewal {
  readonly renewal: Renewal;
  readonly untilMs: number;
}

/** What a thread tells the others. */
interface Told {
  readonly key: string;
  readonly renewal: Renewal;
}

export class Renewals {
  readonly #clock: Clock;
  readonly #name: string;
  readonly #done = new Map<string, DoneRenewal>();
  readonly #running = new Map<string, Promise<Renewal>>();
  readonly #channel: BroadcastChannel | undefined;

  /** Threads that use the same name tell each other, from when they are made. */
  constructor(clock: Clock, name: string) {
    this.#clock = clock;
    this.#name = name;
    this.#channel = this.#openChannel();
  }

  /** What `run` brings, or brought. */
  renew(refreshToken: string, run: () => Promise<Renewal>): Promise<Renewal> {
    // Locks have names that others may read.
    const key = process.getBuiltinModule('node:crypto').hash('sha256', refreshToken, 'base64url');
    const done = this.#findDone(key);
    if (done !== undefined) return Promise.resolve(done);
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const started = this.#runAlone(key, run).finally(() => this.#running.delete(key));
    this.#running.set(key, started);
    return started;
  }

  async #runAlone(key: string, run: () => Promise<Renewal>): Promise<Renewal> {
    const channel = this.#channel;
    if (channel === undefined) return this.#run(key, run);
    const { locks } = process.getBuiltinModule('node:worker_threads');
    return locks.request(`${this.#name} ${key}`, async () => {
      // Whoever had the lock before told what it got before it let go.
      this.#receiveAll(channel);
      const done = this.#findDone(key);
      if (done !== undefined) return done;
      const renewal = await this.#run(key, run);
      channel.postMessage({ key, renewal } satisfies Told);
      return renewal;
    });
  }

  async #run(key: string, run: () => Promise<Renewal>): Promise<Renewal> {
    const renewal = await run();
    this.#note({ key, renewal });
    return renewal;
  }

  #findDone(key: string): Renewal | undefined {
    const done = this.#done.get(key);
    return done !== undefined && this.#clock.monotonicMs() < done.untilMs ? done.renewal : undefined;
  }

  #note({ key, renewal }: Told): void {
    const isForNow = 'kind' in renewal && (renewal.kind === 'unavailable' || renewal.kind === 'elsewhere');
    this.#done.delete(key);
    this.#done.set(key, { renewal, untilMs: this.#clock.monotonicMs() + (isForNow ? UNAVAILABLE_KEPT_MS : KEPT_MS) });
    for (const oldest of this.#done.keys()) {
      if (this.#done.size <= RENEWALS_MAX) break;
      this.#done.delete(oldest);
    }
  }

  /** It ends with its thread. `undefined`: this thread is the only one that serves, or Node.js is older than 24.5. */
  #openChannel(): BroadcastChannel | undefined {
    const { BroadcastChannel: Channel, isMainThread, locks } = process.getBuiltinModule('node:worker_threads');
    if (isMainThread || locks === undefined) return undefined;
    const channel = new Channel(this.#name);
    channel.onmessage = ({ data }) => this.#note(data as Told);
    channel.unref();
    return channel;
  }

  #receiveAll(channel: BroadcastChannel): void {
    const { receiveMessageOnPort } = process.getBuiltinModule('node:worker_threads');
    // Node.js takes channels too; its types do not know that.
    const port = channel as unknown as MessagePort;
    for (let told = receiveMessageOnPort(port); told !== undefined; told = receiveMessageOnPort(port))
      this.#note(told.message as Told);
  }
}
