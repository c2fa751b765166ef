/**
 * Hashes passwords that somebody shows, a few at a time, and remembers what was right. Slow hashes run in the worker threads
 * of the process, which files and compression need too: a flood of wrong passwords must neither occupy them nor be kept waiting
 * in memory.
 */
import { ClientNetworks } from '#base/client-network.ts';
import { derivePasswordHash, isPasswordHash, type PasswordHash, parsePasswordHash, usualScrypt } from '#base/password-hash.ts';
import { RecentMap } from '#base/recent-map.ts';

/** Each thread of the gateway has its own. */
const RUNNING_MAX = 1;
const WAITING_MAX = 32;
/** Of one client, running or waiting: one that guesses leaves room for others. */
const CHECKS_PER_CLIENT_MAX = 4;
/** Credentials that were right; beyond this the oldest is forgotten, and hashed once more when it is shown again. */
const VERIFIED_MAX = 10_000;

/** What is derived where there is nothing to compare with, so that unknown names take as long as known ones. */
const usualHash: PasswordHash = {
  kind: 'scrypt',
  cost: usualScrypt.cost,
  blockSize: usualScrypt.blockSize,
  parallelism: usualScrypt.parallelism,
  salt: Buffer.alloc(usualScrypt.saltBytes),
  hash: Buffer.alloc(usualScrypt.hashBytes),
};

export interface PasswordQuestion {
  /** Of the credential as it was shown, by `digest`. */
  readonly digest: string;
  readonly password: string;
  /** What is compared with: a PHC string, or the password itself. `undefined`: nobody has this name. */
  readonly stored: string | undefined;
  /** Another one's, whose cost is a usual one. */
  readonly usual: string | undefined;
  readonly clientAddress: string;
}

export class PasswordChecks {
  readonly #crypto = process.getBuiltinModule('node:crypto');
  readonly #key = this.#crypto.randomBytes(32).toString('hex');
  /** By digest: what the password was compared with, which a new configuration may have replaced. */
  readonly #verified = new RecentMap<string>(VERIFIED_MAX);
  readonly #running = new Map<string, Promise<boolean>>();
  readonly #waiting: (() => void)[] = [];
  readonly #countByClient = new Map<string, number>();
  readonly #networks = new ClientNetworks();
  #runningCount = 0;

  /** The key stays in this thread's memory, so what is remembered is of use to nobody who reads it. */
  digest(text: string): string {
    return this.#crypto.hash('sha256', `${this.#key}${text}`, 'base64');
  }

  isVerified(digest: string, stored: string): boolean {
    return this.#verified.get(digest) === stored;
  }

  /** `undefined`: too many are being looked at. */
  check(question: PasswordQuestion): Promise<boolean> | undefined {
    const { digest, stored, clientAddress } = question;
    const client = this.#networks.find(clientAddress);
    const key = `${digest} ${stored ?? ''}`;
    const same = this.#running.get(key);
    if (same !== undefined) return same;
    const count = this.#countByClient.get(client) ?? 0;
    const hasRoom = this.#runningCount < RUNNING_MAX || this.#waiting.length < WAITING_MAX;
    if (!hasRoom || count >= CHECKS_PER_CLIENT_MAX) return undefined;
    this.#countByClient.set(client, count + 1);
    const checking = this.#run(question).finally(() => {
      this.#running.delete(key);
      this.#forget(client);
    });
    this.#running.set(key, checking);
    return checking;
  }

  async #run({ digest, password, stored, usual }: PasswordQuestion): Promise<boolean> {
    if (this.#runningCount >= RUNNING_MAX) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    else this.#runningCount += 1;
    try {
      const isRight = await this.#compare(password, stored, usual);
      if (isRight && stored !== undefined) this.#verified.set(digest, stored);
      return isRight;
    } finally {
      const next = this.#waiting.shift();
      // Whoever waits takes the place that is free now.
      if (next === undefined) this.#runningCount -= 1;
      else next();
    }
  }

  async #compare(password: string, stored: string | undefined, usual: string | undefined): Promise<boolean> {
    const hash = toHash(stored) ?? toHash(usual) ?? usualHash;
    const derived = await derivePasswordHash(password, hash);
    if (stored === undefined) return false;
    if (isPasswordHash(stored)) return this.#crypto.timingSafeEqual(derived, hash.hash);
    const sha256 = (text: string) => this.#crypto.hash('sha256', text, 'buffer');
    return this.#crypto.timingSafeEqual(sha256(password), sha256(stored));
  }

  #forget(client: string): void {
    const count = this.#countByClient.get(client) ?? 0;
    if (count <= 1) this.#countByClient.delete(client);
    else this.#countByClient.set(client, count - 1);
  }
}

function toHash(stored: string | undefined): PasswordHash | undefined {
  const parsed = stored === undefined || !isPasswordHash(stored) ? undefined : parsePasswordHash(stored);
  // A configuration holds none that cannot be read.
  return typeof parsed === 'string' ? undefined : parsed;
}
