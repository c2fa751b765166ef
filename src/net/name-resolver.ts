/**
 * Host names to addresses, asked again when their time to live is over. The last good answer is kept while the name
 * service is away.
 */
import { type LookupAddress, lookup, Resolver } from 'node:dns';
import { isIP } from 'node:net';
import { promisify } from 'node:util';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';

export interface NameResolverOptions {
  /** Name servers to ask, as `ip` or `ip:port`. None: the system's way (hosts file, search domains). */
  readonly servers: readonly string[];
  readonly ttlMinMs: number;
  readonly ttlMaxMs: number;
}

interface Answer {
  readonly addresses: LookupAddress[];
  readonly ttlMs: number;
}

interface Entry {
  addresses: LookupAddress[];
  freshUntilMs: number;
  pending: Promise<LookupAddress[]> | undefined;
}

/** The system's resolver does not tell how long its answers live. */
const SYSTEM_TTL_MS = 5_000;
const NAMES_MAX = 10_000;
const lookupAll = promisify(lookup);

export class NameResolver {
  readonly #clock: Clock;
  readonly #options: NameResolverOptions;
  readonly #resolver: Resolver;
  readonly #entries = new Map<string, Entry>();

  constructor(options: NameResolverOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#resolver = new Resolver({ timeout: 2_000, tries: 2 });
    if (options.servers.length > 0) this.#resolver.setServers([...options.servers]);
  }

  /** The addresses of a name, at most `connectAddressesMax`. Rejects only when there was never a good answer. */
  async resolve(host: string): Promise<LookupAddress[]> {
    const family = isIP(host);
    if (family !== 0) return [{ address: host, family }];
    const entry = this.#entries.get(host);
    if (entry !== undefined && entry.addresses.length > 0) {
      if (this.#clock.monotonicMs() < entry.freshUntilMs) return entry.addresses;
      // Nobody waits for the new answer: the old one served a moment ago.
      this.#refresh(host, entry).catch(() => {
        // The last good answer stays; the next request asks again.
      });
      return entry.addresses;
    }
    return this.#refresh(host, entry ?? this.#addEntry(host));
  }

  /** An address of this name refused a connection: the next caller should not rely on what we remember. */
  distrust(host: string): void {
    const entry = this.#entries.get(host);
    if (entry !== undefined) entry.freshUntilMs = 0;
  }

  close(): void {
    this.#resolver.cancel();
    this.#entries.clear();
  }

  #addEntry(host: string): Entry {
    if (this.#entries.size >= NAMES_MAX) this.#entries.clear();
    const entry: Entry = { addresses: [], freshUntilMs: 0, pending: undefined };
    this.#entries.set(host, entry);
    return entry;
  }

  #refresh(host: string, entry: Entry): Promise<LookupAddress[]> {
    entry.pending ??= this.#ask(host)
      .then(({ addresses, ttlMs }) => {
        entry.addresses = addresses.slice(0, limits.connectAddressesMax);
        const boundedMs = Math.min(Math.max(ttlMs, this.#options.ttlMinMs), this.#options.ttlMaxMs);
        entry.freshUntilMs = this.#clock.monotonicMs() + boundedMs;
        return entry.addresses;
      })
      .finally(() => {
        entry.pending = undefined;
      });
    return entry.pending;
  }

  async #ask(host: string): Promise<Answer> {
    if (this.#options.servers.length > 0) return this.#askServers(host);
    // The system knows the hosts file and search domains; the name service, where it gives the same address, knows the time to live.
    const [system, direct] = await Promise.allSettled([lookupAll(host, { all: true }), this.#askServers(host)]);
    if (system.status === 'rejected') throw system.reason;
    const isSame = direct.status === 'fulfilled' && direct.value.addresses.some((a) => a.address === system.value[0]?.address);
    return { addresses: system.value, ttlMs: isSame ? direct.value.ttlMs : SYSTEM_TTL_MS };
  }

  async #askServers(host: string): Promise<Answer> {
    const resolve4 = promisify(this.#resolver.resolve4.bind(this.#resolver)) as TtlResolve;
    const resolve6 = promisify(this.#resolver.resolve6.bind(this.#resolver)) as TtlResolve;
    const [four, six] = await Promise.allSettled([resolve4(host, { ttl: true }), resolve6(host, { ttl: true })]);
    const records = [
      ...(six.status === 'fulfilled' ? six.value.map((record) => ({ ...record, family: 6 })) : []),
      ...(four.status === 'fulfilled' ? four.value.map((record) => ({ ...record, family: 4 })) : []),
    ];
    if (records.length === 0) throw four.status === 'rejected' ? four.reason : (six as PromiseRejectedResult).reason;
    return {
      addresses: records.map(({ address, family }) => ({ address, family })),
      ttlMs: Math.min(...records.map((r) => r.ttl)) * 1000,
    };
  }
}

type TtlResolve = (host: string, options: { ttl: true }) => Promise<{ address: string; ttl: number }[]>;
