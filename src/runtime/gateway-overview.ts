/** The running gateway as the admin API shows it. */
import {
  type CertificateView,
  type ConsumerView,
  type GatewayAdministration,
  type GatewayStatus,
  type LimitView,
  type ListenerView,
  limitKinds,
} from '#admin/gateway-administration.ts';
import type { Clock } from '#base/clock.ts';
import { runAtOnce, runInSlices } from '#base/slices.ts';
import type { CertificateFacts } from '#certificates/certificate-facts.ts';
import type { Configuration, ListenerConfiguration } from '#config/configuration.ts';
import { formatAddress } from '#net/address.ts';
import { isMap, isText } from '#schema/forms.ts';
import packageJson from '../../package.json' with { type: 'json' };
import type { PresentConfiguration } from './configuration-side.ts';
import { ListenerCell, listenerFamily } from './connection-meter.ts';
import type { ListeningAt } from './listener-set.ts';
import type { RefusalCounts } from './refusal-counts.ts';
import type { ThreadMeters } from './thread-meters.ts';

export interface GatewayOverviewMeans {
  readonly clock: Clock;
  /** Wall time. */
  readonly startedMs: number;
  findConfiguration(): Configuration | undefined;
  findPresent(): PresentConfiguration | undefined;
  listListening(): readonly ListeningAt[];
  countThreads(configuration: Configuration): number;
  reasonNotReady(): string | undefined;
  listCertificates(): readonly CertificateFacts[];
  findRefusals(): RefusalCounts;
  findMeters(): ThreadMeters;
}

/** Where policies stand, as it is written. */
interface WrittenBlocks {
  readonly where: string;
  readonly blocks: unknown;
}

type ConnectionCounts = Pick<ListenerView, 'connections' | 'accepted' | 'refused'>;

const noConnections: ConnectionCounts = { connections: 0, accepted: 0, refused: 0 };
const BLOCKS_PER_STEP = 200;
const defaultKeys = { 'rate-limit': 'ip', concurrency: 'ip', quota: 'consumer' } as const;

export class GatewayOverview implements GatewayAdministration {
  readonly #means: GatewayOverviewMeans;

  constructor(means: GatewayOverviewMeans) {
    this.#means = means;
  }

  showStatus(): GatewayStatus {
    const { findConfiguration, findPresent, countThreads, reasonNotReady, startedMs } = this.#means;
    const configuration = findConfiguration();
    const present = findPresent();
    const reason = reasonNotReady();
    return {
      version: packageJson.version,
      configuration: {
        version: present?.version ?? 0,
        hash: present?.hash ?? '',
        appliedAt: toIso(present?.appliedMs ?? startedMs),
        source: present?.origin.source ?? 'file',
        by: present?.origin.by ?? 'file',
      },
      startedAt: toIso(startedMs),
      threads: configuration === undefined ? 0 : countThreads(configuration),
      ready: reason === undefined,
      ...(reason !== undefined && { reason }),
    };
  }

  listListeners(): readonly ListenerView[] {
    const listeners = this.#means.findConfiguration()?.listeners ?? {};
    const counts = this.#countConnections();
    return this.#means.listListening().map(({ name, address, scheme }) => {
      const where = formatAddress(address);
      const listener = listeners[name];
      return {
        name,
        url: 'path' in address ? where : `${scheme}://${where}`,
        protocols: listener === undefined ? [] : listProtocols(listener),
        tls: listener?.tls !== undefined,
        ...(counts.get(name) ?? noConnections),
      };
    });
  }

  /** Of all threads together. */
  #countConnections(): ReadonlyMap<string, ConnectionCounts> {
    const meters = this.#means.findMeters();
    runAtOnce(meters.read());
    const counts = new Map<string, ConnectionCounts>();
    for (const { family, labels, cells, at } of meters.list().flat()) {
      if (family !== listenerFamily) continue;
      const [name = ''] = labels;
      const before = counts.get(name) ?? noConnections;
      const sum = (...places: readonly number[]) => places.reduce((total, place) => total + cells[at + place]!, 0);
      counts.set(name, {
        connections: before.connections + sum(ListenerCell.connections),
        accepted: before.accepted + sum(ListenerCell.http1, ListenerCell.http2, ListenerCell.bytes),
        refused:
          before.refused + sum(ListenerCell.refusedByListener, ListenerCell.refusedByAddress, ListenerCell.refusedProxyHeaders),
      });
    }
    return counts;
  }

  listCertificates(): readonly CertificateView[] {
    return this.#means.listCertificates().map(({ use, names, issuer, notAfterMs, daysLeft, problem }) => ({
      names,
      listener: use.listener ?? '',
      ...(use.service !== undefined && { service: use.service }),
      issuer: issuer ?? '',
      notAfter: notAfterMs === undefined ? '' : toIso(notAfterMs),
      daysLeft: daysLeft ?? 0,
      source: use.source,
      ...(problem !== undefined && { problem: problem.text }),
    }));
  }

  listConsumers(): readonly ConsumerView[] {
    return Object.entries(this.#means.findConfiguration()?.consumers ?? {}).map(([name, consumer]) => ({
      name,
      groups: consumer.groups,
      credentials: listCredentials(consumer),
    }));
  }

  async listLimits(): Promise<readonly LimitView[]> {
    return runInSlices(this.#findLimits(), this.#means.clock);
  }

  *#findLimits(): Generator<undefined, LimitView[], void> {
    const { findRefusals, findPresent } = this.#means;
    const refused = new Map(limitKinds.map((kind) => [kind, findRefusals().countOf(kind)]));
    const limits: LimitView[] = [];
    for (const [index, { where, blocks }] of listWrittenBlocks(findPresent()?.value).entries()) {
      for (const kind of limitKinds) {
        const block = isMap(blocks) ? blocks[kind] : undefined;
        if (!isMap(block)) continue;
        const by = describeKeys(block['by']) ?? defaultKeys[kind];
        limits.push({ kind, where, limit: describeLimit(block), by, refused: refused.get(kind) ?? 0 });
      }
      if (index % BLOCKS_PER_STEP === 0) yield;
    }
    return limits;
  }
}

function listProtocols({ tcp, http2 }: ListenerConfiguration): string[] {
  if (tcp !== undefined) return ['tcp'];
  return http2 === false ? ['http/1.1'] : ['http/1.1', 'h2'];
}

function listCredentials(consumer: Configuration['consumers'][string]): string[] {
  const { keys, password, hmacKeys, certificates, subjects } = consumer;
  return [
    ...keys.map(() => 'key'),
    ...(password === undefined ? [] : ['password']),
    ...hmacKeys.map(() => 'hmac-key'),
    ...certificates.map(() => 'certificate'),
    ...subjects.map(() => 'subject'),
  ];
}

function listWrittenBlocks(value: unknown): WrittenBlocks[] {
  if (!isMap(value)) return [];
  const within = (part: string, level: string): WrittenBlocks[] =>
    Object.entries(isMap(value[part]) ? value[part] : {}).map(([name, holder]) => ({
      where: `${level} ${name}`,
      blocks: isMap(holder) ? holder['policies'] : undefined,
    }));
  return [{ where: 'gateway', blocks: value['policies'] }, ...within('listeners', 'listener'), ...within('routes', 'route')];
}

/** `100/minute`, `10/second, 1000/hour`, `5 at a time; gold: 1000/minute`. */
function describeLimit(block: Readonly<Record<string, unknown>>): string {
  const { limit, limits, tiers } = block;
  const own = describeAmounts(limits ?? limit);
  const ofTiers = Object.entries(isMap(tiers) ? tiers : {}).map(([group, amounts]) => `${group}: ${describeAmounts(amounts)}`);
  return [...(own === '' ? [] : [own]), ...ofTiers].join('; ');
}

function describeAmounts(amounts: unknown): string {
  if (typeof amounts === 'number') return `${amounts} at a time`;
  if (isText(amounts)) return amounts;
  if (Array.isArray(amounts)) return amounts.map(describeAmounts).join(', ');
  return isMap(amounts) ? describeAmounts(amounts['limit']) : '';
}

function describeKeys(by: unknown): string | undefined {
  return Array.isArray(by) ? by.filter(isText).join(', ') : isText(by) ? by : undefined;
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
