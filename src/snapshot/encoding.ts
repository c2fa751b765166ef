/**
 * A configuration on its way to the data threads: JSON lines in shared memory, one line for everything but the routes and
 * one per route. Receiving it costs a thread nothing, and reading it can be done in slices.
 */
import type { Configuration, RouteConfiguration } from '#config/configuration.ts';

const LINE_FEED = 10;
const ROUTES_PER_STEP = 50;

export function encodeConfiguration(configuration: Configuration): SharedArrayBuffer {
  const { routes, ...rest } = configuration;
  const lines = [JSON.stringify(rest), ...Object.entries(routes).map((entry) => JSON.stringify(entry))];
  const text = `${lines.join('\n')}\n`;
  const shared = new SharedArrayBuffer(Buffer.byteLength(text));
  Buffer.from(shared).write(text);
  return shared;
}

/** Yields between steps of about a millisecond. */
export function* decodeConfiguration(shared: SharedArrayBuffer): Generator<undefined, Configuration, void> {
  const bytes = Buffer.from(shared);
  const headEnd = bytes.indexOf(LINE_FEED);
  const rest = parseLine(bytes, 0, headEnd) as Omit<Configuration, 'routes'>;
  const routes: Record<string, RouteConfiguration> = {};
  let count = 0;
  for (let start = headEnd + 1; start < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, start);
    const [name, route] = parseLine(bytes, start, end) as [string, RouteConfiguration];
    routes[name] = route;
    start = end + 1;
    if (++count % ROUTES_PER_STEP === 0) yield;
  }
  return { ...rest, routes };
}

function parseLine(bytes: Buffer, start: number, end: number): unknown {
  return JSON.parse(bytes.toString('utf8', start, end));
}
