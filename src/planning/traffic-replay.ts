/**
 * Which requests of an access log a change answers differently. Each goes through both configurations, in rehearsals: who asks is
 * assumed to be who the log says, services answer 200, and nothing is limited, since a log does not tell what was counted when.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Clock } from '#base/clock.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import type { Decision } from '#rehearsal/decision.ts';
import { RehearsedGateway, type RehearsedRequest } from '#rehearsal/rehearsed-gateway.ts';

export interface TrafficGroup {
  /** `200 of orders on the route orders` */
  readonly before: string;
  readonly after: string;
  readonly status: { readonly before: number; readonly after: number };
  /** How many requests of the log. */
  readonly count: number;
  readonly examples: readonly string[];
}

export interface TrafficReplay {
  /** Requests of the log. */
  readonly requests: number;
  /** Lines that tell of no request, such as those of connections. */
  readonly skipped: number;
  readonly changed: number;
  /** What hits most requests first. */
  readonly groups: readonly TrafficGroup[];
}

interface LoggedRequest {
  readonly method: string;
  readonly host: string;
  readonly target: string;
  readonly listener: string | undefined;
  readonly client: string | undefined;
  readonly consumer: string | undefined;
}

const EXAMPLES_MAX = 5;
/** Requests that are told apart; of the rest of a log it is only known that they were there. */
const DISTINCT_MAX = 200_000;
/** A line that is longer is none of ours. */
const LINE_LENGTH_MAX = 256 * 1024;
/** So much time lies between requests that no limit remembers the one before. */
const BETWEEN_MS = 3_600_000;

export async function replayTraffic(
  file: string,
  { old, new: present }: { readonly old: LoadedConfiguration; readonly new: LoadedConfiguration },
  clock: Clock,
): Promise<TrafficReplay | string> {
  const { counts, requests, skipped } = await readLog(file);
  const startMs = clock.wallMs();
  const before = await RehearsedGateway.open(old, { startMs });
  const after = await RehearsedGateway.open(present, { startMs });
  if (!(before instanceof RehearsedGateway))
    return [...before.issues.map(({ message }) => message), ...before.reasons].join('\n');
  if (!(after instanceof RehearsedGateway)) return [...after.issues.map(({ message }) => message), ...after.reasons].join('\n');
  try {
    const groups = await compareAll(counts, before, after);
    const changed = groups.reduce((sum, { count }) => sum + count, 0);
    return { requests, skipped, changed, groups };
  } finally {
    await before.close();
    await after.close();
  }
}

interface ReadLog {
  /** By the request as JSON: how often it is there. */
  readonly counts: ReadonlyMap<string, number>;
  readonly requests: number;
  readonly skipped: number;
}

async function readLog(file: string): Promise<ReadLog> {
  const counts = new Map<string, number>();
  let requests = 0;
  let skipped = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line === '') continue;
    const logged = readLine(line);
    const key = logged === undefined ? undefined : JSON.stringify(logged);
    if (key === undefined || (counts.size >= DISTINCT_MAX && !counts.has(key))) {
      skipped += 1;
      continue;
    }
    requests += 1;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return { counts, requests, skipped };
}

function readLine(line: string): LoggedRequest | undefined {
  if (line.length > LINE_LENGTH_MAX) return undefined;
  const value = readJson(line);
  if (typeof value !== 'object' || value === null) return undefined;
  const textAt = (name: string) => {
    const found: unknown = Reflect.get(value, name);
    return typeof found === 'string' ? found : undefined;
  };
  const method = textAt('method');
  const target = textAt('target');
  if (method === undefined || target === undefined) return undefined;
  return {
    method,
    target,
    host: textAt('host') ?? '',
    listener: textAt('listener'),
    client: textAt('client'),
    consumer: textAt('consumer'),
  };
}

function readJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // A line that was cut off, or of another program.
    return undefined;
  }
}

async function compareAll(
  counts: ReadonlyMap<string, number>,
  before: RehearsedGateway,
  after: RehearsedGateway,
): Promise<TrafficGroup[]> {
  const groups = new Map<string, { group: Omit<TrafficGroup, 'count' | 'examples'>; count: number; examples: string[] }>();
  for (const [key, count] of counts) {
    const logged: LoggedRequest = JSON.parse(key);
    const was = await decide(before, logged);
    const is = await decide(after, logged);
    if (was.text === is.text) continue;
    const groupKey = `${was.text} ${is.text}`;
    const status = { before: was.status, after: is.status };
    const known = groups.get(groupKey) ?? { group: { before: was.text, after: is.text, status }, count: 0, examples: [] };
    groups.set(groupKey, known);
    known.count += count;
    if (known.examples.length < EXAMPLES_MAX) known.examples.push(formatLogged(logged, count));
  }
  return [...groups.values()]
    .map(({ group, count, examples }) => ({ ...group, count, examples }))
    .toSorted((one, other) => other.count - one.count);
}

async function decide(
  gateway: RehearsedGateway,
  logged: LoggedRequest,
): Promise<{ readonly text: string; readonly status: number }> {
  const { listeners } = gateway.configuration;
  const { listener } = logged;
  if (listener !== undefined && listeners[listener] === undefined)
    return { text: `nothing, since there is no listener ${listener}`, status: 0 };
  gateway.clock.jump(BETWEEN_MS);
  const { decision } = await gateway.decide(toRequest(logged, listener !== undefined && listeners[listener]?.tls !== undefined));
  return { text: describe(decision), status: decision.status };
}

function toRequest({ method, host, target, listener, client, consumer }: LoggedRequest, isSecure: boolean): RehearsedRequest {
  const isPath = target.startsWith('/');
  return {
    method,
    url: isPath && host !== '' ? `${isSecure ? 'https' : 'http'}://${host}${target}` : target,
    ...(listener !== undefined && { listener }),
    ...(client !== undefined && { clientAddress: client }),
    as: consumer === undefined ? undefined : { name: consumer },
  };
}

function describe({ status, route, services, refusal, headers }: Decision): string {
  const where = route === undefined ? '' : ` on the route ${route}`;
  if (refusal !== undefined)
    return `${status} ${refusal.code}${refusal.policy === undefined ? '' : ` of ${refusal.policy}`}${where}`;
  const { location } = headers;
  if (status >= 300 && status < 400 && typeof location === 'string') return `${status} to ${location}${where}`;
  return `${status} of ${services.length === 0 ? 'the gateway' : services.join(', ')}${where}`;
}

function formatLogged({ method, host, target, client, consumer }: LoggedRequest, count: number): string {
  const who = consumer === undefined ? (client === undefined ? '' : ` from ${client}`) : ` by ${consumer}`;
  const mark = target.indexOf('?');
  // A query may hold what a log of another day hides.
  return `${method} ${host}${mark < 0 ? target : `${target.slice(0, mark)}?…`}${who}${count > 1 ? ` (${count} times)` : ''}`;
}
