/**
 * Endpoints that the domain name system knows: each address of a name, or each SRV record (RFC 2782). The name is asked for
 * again when its answer has lived. What a name server says is taken as long as it names somebody; when it fails, or knows the
 * name no more, the endpoints before stay: name servers lose their zones more often than services lose all their instances.
 */
import { Resolver } from 'node:dns';
import { promisify } from 'node:util';
import { WheelAlarm } from '#base/wheel-alarm.ts';
import type { DiscoveryConfiguration } from '#config/configuration.ts';
import { type EndpointScheme, readEndpointUrl } from '#schema/endpoint-url.ts';
import type { EndpointSource, EndpointSourceMeans, EndpointTarget } from '#services/endpoint-source.ts';
import { SourceOutage } from '#services/source-outage.ts';
import { rankServiceRecords } from './service-records.ts';

export type DnsSettings = Extract<DiscoveryConfiguration, { kind: 'dns' }>;

export interface NameServers {
  /** As `ip` or `ip:port`. None: those of the system. */
  readonly servers: readonly string[];
  readonly ttlMinMs: number;
  readonly ttlMaxMs: number;
}

const QUESTION_TIMEOUT_MS = 2_000;
const QUESTION_TRIES = 2;
const FAILURE_DELAY_MIN_MS = 1_000;
const FAILURE_DELAY_MAX_MS = 5_000;
/** Node does not tell how long SRV records live. */
const SRV_TTL_MS = 5_000;
/** The name has no records of this kind: an answer, while anything else is none. */
const NO_RECORDS: ReadonlySet<string> = new Set(['ENODATA', 'ENOTFOUND']);

type RecordKind = 'A' | 'AAAA' | 'SRV';

/** What came of one question. */
type Found =
  | { readonly kind: 'some'; readonly endpoints: readonly EndpointTarget[]; readonly ttlMs: number }
  | { readonly kind: 'none' }
  | { readonly kind: 'failed'; readonly reason: string };

export class DnsEndpoints implements EndpointSource {
  readonly #settings: DnsSettings;
  readonly #nameServers: NameServers;
  readonly #means: EndpointSourceMeans;
  readonly #resolver: Resolver;
  readonly #alarm: WheelAlarm;
  readonly #outage: SourceOutage;
  /** The last good answer to each question. */
  readonly #known = new Map<RecordKind, readonly EndpointTarget[]>();
  #failures = 0;
  #isStopped = false;

  constructor(settings: DnsSettings, nameServers: NameServers, means: EndpointSourceMeans) {
    this.#settings = settings;
    this.#nameServers = nameServers;
    this.#means = means;
    this.#resolver = new Resolver({ timeout: QUESTION_TIMEOUT_MS, tries: QUESTION_TRIES });
    if (nameServers.servers.length > 0) this.#resolver.setServers([...nameServers.servers]);
    this.#alarm = new WheelAlarm(means.wheel, () => void this.#askAll());
    this.#outage = new SourceOutage(means, { source: 'dns', name: settings.name });
  }

  start(): void {
    void this.#askAll();
  }

  stop(): void {
    this.#isStopped = true;
    this.#alarm.stop();
    this.#resolver.cancel();
  }

  async #askAll(): Promise<void> {
    const { type } = this.#settings;
    const kinds: readonly RecordKind[] = type === 'A+AAAA' ? ['A', 'AAAA'] : [type];
    const found = new Map(await Promise.all(kinds.map(async (kind) => [kind, await this.#ask(kind)] as const)));
    if (this.#isStopped) return;
    const answers = [...found.values()];
    const isGood = answers.some(({ kind }) => kind === 'some');
    const failed = answers.find((answer) => answer.kind === 'failed');
    if (isGood) this.#keep(found);
    if (isGood && failed === undefined) this.#outage.end();
    else this.#outage.begin(failed?.reason ?? 'the name has no such records');
    this.#failures = isGood ? 0 : this.#failures + 1;
    this.#alarm.ringAfter(this.#settings.every ?? this.#delayMs(answers));
  }

  /** Where one question has an answer, that another one finds nothing means what it says. */
  #keep(found: ReadonlyMap<RecordKind, Found>): void {
    for (const [kind, answer] of found) {
      if (answer.kind === 'some') this.#known.set(kind, answer.endpoints);
      else if (answer.kind === 'none') this.#known.delete(kind);
    }
    this.#means.onEndpoints([...this.#known.values()].flat());
  }

  #delayMs(answers: readonly Found[]): number {
    const { ttlMinMs, ttlMaxMs } = this.#nameServers;
    const lives = answers.flatMap((answer) => (answer.kind === 'some' ? [answer.ttlMs] : []));
    const wantedMs = lives.length > 0 ? Math.min(...lives) : toFailureDelayMs(this.#failures);
    return Math.min(Math.max(wantedMs, ttlMinMs), ttlMaxMs);
  }

  async #ask(kind: RecordKind): Promise<Found> {
    try {
      return kind === 'SRV' ? await this.#askServices() : await this.#askAddresses(kind);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      return NO_RECORDS.has(code) ? { kind: 'none' } : { kind: 'failed', reason: code };
    }
  }

  async #askAddresses(kind: 'A' | 'AAAA'): Promise<Found> {
    const { name, scheme, port } = this.#settings;
    const ask = kind === 'A' ? this.#resolver.resolve4 : this.#resolver.resolve6;
    const records = await (promisify(ask.bind(this.#resolver)) as TtlResolve)(name, { ttl: true });
    const endpoints = records.flatMap(({ address }) =>
      toEndpoint({ scheme, host: address, port: port!, weight: 1, priority: 0 }),
    );
    return { kind: 'some', endpoints, ttlMs: Math.min(...records.map(({ ttl }) => ttl)) * 1_000 };
  }

  /** The names of instances stay names: whoever connects looks up their addresses, and certificates carry them. */
  async #askServices(): Promise<Found> {
    const { name, scheme } = this.#settings;
    const records = await promisify(this.#resolver.resolveSrv.bind(this.#resolver))(name);
    const endpoints = rankServiceRecords(records).flatMap((record) => toEndpoint({ scheme, ...record }));
    return { kind: 'some', endpoints, ttlMs: SRV_TTL_MS };
  }
}

function toFailureDelayMs(failures: number): number {
  return Math.min(FAILURE_DELAY_MAX_MS, FAILURE_DELAY_MIN_MS * 2 ** Math.min(failures, 10));
}

interface FoundAddress {
  readonly scheme: EndpointScheme;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  readonly priority: number;
}

/** Nothing for what is no host. */
function toEndpoint({ scheme, host, port, weight, priority }: FoundAddress): EndpointTarget[] {
  const reading = readEndpointUrl(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`);
  return 'value' in reading ? [{ url: reading.value, weight, priority }] : [];
}

type TtlResolve = (name: string, options: { ttl: true }) => Promise<{ address: string; ttl: number }[]>;
