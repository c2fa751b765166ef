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
  /** In the order of preference. */
  readonly addresses: readonly LookupAddress[];
  readonly ttlMs: number;
}

interface Entry {
  /** Addresses of the preferred family, and those of the other. */
  preferred: LookupAddress[];
  other: LookupAddress[];
  /** How often the addresses were asked for. */
  turn: number;
  askedMs: number;
  freshUntilMs: number;
  pending: Promise<void> | undefined;
}

/** The system's resolver does not tell how long its answers live. */
const SYSTEM_TTL_MS = 5_000;
const NAMES_MAX = 10_000;
/** RFC 6761 §6.3: no name server is asked for it. */
const LOCALHOST = 'localhost';
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

  /**
   * The addresses of a name, at most `connectAddressesMax`: families take turns, and within a family each address comes
   * first as often as the others. Rejects only when there was never a good answer.
   */
  async resolve(host: string): Promise<LookupAddress[]> {
    const family = isIP(host);
    if (family !== 0) return [{ address: host, family }];
    const entry = this.#entries.get(host) ?? this.#addEntry(host);
    if (entry.preferred.length === 0) await this.#refresh(host, entry);
    else if (this.#clock.monotonicMs() >= entry.freshUntilMs) {
      // Nobody waits for the new answer: the old one served a moment ago.
      this.#refresh(host, entry).catch(() => {
        // The last good answer stays; the next request asks again.
      });
    }
    return inTurn(entry);
  }

  /** No connection came of this name's addresses: it is asked again soon, though not more often than `ttlMinMs`. */
  distrust(host: string): void {
    const entry = this.#entries.get(host);
    if (entry !== undefined) entry.freshUntilMs = Math.min(entry.freshUntilMs, entry.askedMs + this.#options.ttlMinMs);
  }

  close(): void {
    this.#resolver.cancel();
    this.#entries.clear();
  }

  #addEntry(host: string): Entry {
    if (this.#entries.size >= NAMES_MAX) this.#entries.clear();
    const entry: Entry = { preferred: [], other: [], turn: 0, askedMs: 0, freshUntilMs: 0, pending: undefined };
    this.#entries.set(host, entry);
    return entry;
  }

  #refresh(host: string, entry: Entry): Promise<void> {
    entry.pending ??= this.#ask(host, entry).finally(() => {
      entry.pending = undefined;
    });
    return entry.pending;
  }

  async #ask(host: string, entry: Entry): Promise<void> {
    entry.askedMs = this.#clock.monotonicMs();
    if (this.#options.servers.length > 0 && host !== LOCALHOST) return this.#keep(entry, await this.#askServers(host));
    // The system knows the hosts file and search domains, the name service knows how long its answer lives. It is not
    // waited for: it may be away where the hosts file has the name.
    const direct = host === LOCALHOST ? undefined : this.#askServers(host).catch(() => undefined);
    this.#keep(entry, { addresses: await lookupAll(host, { all: true }), ttlMs: SYSTEM_TTL_MS });
    direct?.then((answer) => {
      const first = entry.preferred[0]?.address;
      if (answer?.addresses.some(({ address }) => address === first)) this.#keepFor(entry, answer.ttlMs);
    });
  }

  #keep(entry: Entry, { addresses, ttlMs }: Answer): void {
    const family = addresses[0]?.family;
    entry.preferred = addresses.filter((address) => address.family === family);
    entry.other = addresses.filter((address) => address.family !== family);
    this.#keepFor(entry, ttlMs);
  }

  #keepFor(entry: Entry, ttlMs: number): void {
    const boundedMs = Math.min(Math.max(ttlMs, this.#options.ttlMinMs), this.#options.ttlMaxMs);
    entry.freshUntilMs = this.#clock.monotonicMs() + boundedMs;
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

/** RFC 8305 §4: addresses of the two families alternate. */
function inTurn(entry: Entry): LookupAddress[] {
  const { preferred, other, turn } = entry;
  entry.turn += 1;
  const addresses: LookupAddress[] = [];
  for (let i = 0; i < Math.max(preferred.length, other.length) && addresses.length < limits.connectAddressesMax; i++) {
    if (i < preferred.length) addresses.push(preferred[(turn + i) % preferred.length]!);
    if (i < other.length) addresses.push(other[(turn + i) % other.length]!);
  }
  return addresses;
}

type TtlResolve = (host: string, options: { ttl: true }) => Promise<{ address: string; ttl: number }[]>;
