/**
 * A configuration on its way to the data threads: JSON lines in shared memory, one line for everything but the services and
 * routes and one for each of those. Receiving it costs a thread nothing, and reading it can be done in slices.
 */

import { Secret } from '#base/secret.ts';
import type { Configuration, RouteConfiguration, ServiceConfiguration } from '#config/configuration.ts';

const LINE_FEED = 10;
const LINES_PER_STEP = 50;
/** Secrets print as `[redacted]`, as they should anywhere else. A name that no configuration has marks their text here. */
const SECRET_KEY = '\u0000secret';
const SECRET_MARK = JSON.stringify(SECRET_KEY);

type Line = readonly ['service', string, ServiceConfiguration] | readonly ['route', string, RouteConfiguration];

export function encodeConfiguration(configuration: Configuration): SharedArrayBuffer {
  const { services, routes, ...rest } = configuration;
  const lines: unknown[] = [rest];
  for (const [name, service] of Object.entries(services)) lines.push(['service', name, service]);
  for (const [name, route] of Object.entries(routes)) lines.push(['route', name, route]);
  const text = lines.map((line) => `${JSON.stringify(line, revealSecrets)}\n`).join('');
  const shared = new SharedArrayBuffer(Buffer.byteLength(text));
  Buffer.from(shared).write(text);
  return shared;
}

/** Yields between steps of about a millisecond. */
export function* decodeConfiguration(shared: SharedArrayBuffer): Generator<undefined, Configuration, void> {
  const bytes = Buffer.from(shared);
  const headEnd = bytes.indexOf(LINE_FEED);
  const rest = parseLine(bytes, 0, headEnd) as Omit<Configuration, 'services' | 'routes'>;
  const services: Record<string, ServiceConfiguration> = {};
  const routes: Record<string, RouteConfiguration> = {};
  let count = 0;
  for (let start = headEnd + 1; start < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, start);
    const [kind, name, definition] = parseLine(bytes, start, end) as Line;
    if (kind === 'service') services[name] = definition;
    else routes[name] = definition;
    start = end + 1;
    if (++count % LINES_PER_STEP === 0) yield;
  }
  return { ...rest, services, routes };
}

function parseLine(bytes: Buffer, start: number, end: number): unknown {
  const text = bytes.toString('utf8', start, end);
  return text.includes(SECRET_MARK) ? JSON.parse(text, restoreSecrets) : JSON.parse(text);
}

/** `JSON.stringify` hands over what `toJSON` made of a value; the value itself is still in its holder. */
function revealSecrets(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const original = this[key];
  return original instanceof Secret ? { [SECRET_KEY]: original.reveal() } : value;
}

function restoreSecrets(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, SECRET_KEY)) return value;
  return new Secret(String((value as Readonly<Record<string, unknown>>)[SECRET_KEY]));
}
