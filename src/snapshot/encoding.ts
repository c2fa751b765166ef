/**
 * A configuration on its way to the data threads, in memory that all of them share: JSON lines, and the image of the route
 * table. Receiving it costs a thread nothing. It reads services in slices, and the line of a route when a request first needs it.
 */
import type { Configuration, RouteConfiguration, ServiceConfiguration } from '#config/configuration.ts';
import { listRouteDefinitions } from '#config/route-definitions.ts';
import { compileRoutes } from '#routing/route-compiler.ts';
import { writeRouteImage } from '#routing/route-image-writer.ts';
import { Secret } from '#schema/secret.ts';

export interface EncodedConfiguration {
  /** One line for everything but services and routes, then one for each service, then one for each route, in their order. */
  readonly lines: SharedArrayBuffer;
  /** Where each line ends. */
  readonly lineEnds: Uint32Array;
  readonly serviceCount: number;
  /** Finds the position of a request's route. */
  readonly routeImage: SharedArrayBuffer;
}

/** What a thread reads at once. */
export type SettingsOfConfiguration = Omit<Configuration, 'routes'>;
type Head = Omit<SettingsOfConfiguration, 'services'>;

const LINES_PER_STEP = 50;
/** Secrets print as `[redacted]`, as they should anywhere else. A name that no configuration has marks their text here. */
const SECRET_KEY = '\u0000secret';
const SECRET_MARK = JSON.stringify(SECRET_KEY);

/** Yields between steps of about a millisecond. */
export function* encodeConfiguration(configuration: Configuration): Generator<undefined, EncodedConfiguration, void> {
  const { services, routes, ...head } = configuration;
  const values: Iterable<unknown>[] = [[head], Object.entries(services), Object.entries(routes)];
  const lines: Buffer[] = [];
  for (const value of values.flatMap((part) => [...part])) {
    lines.push(Buffer.from(JSON.stringify(value, revealSecrets)));
    if (lines.length % LINES_PER_STEP === 0) yield;
  }
  const routeImage = yield* writeRouteImage(yield* compileRoutes(listRouteDefinitions(configuration)));
  return { ...joinLines(lines), serviceCount: Object.keys(services).length, routeImage };
}

function joinLines(lines: readonly Buffer[]): Pick<EncodedConfiguration, 'lines' | 'lineEnds'> {
  const joined = Buffer.from(new SharedArrayBuffer(lines.reduce((sum, line) => sum + line.length, 0)));
  const lineEnds = new Uint32Array(new SharedArrayBuffer(lines.length * Uint32Array.BYTES_PER_ELEMENT));
  let end = 0;
  for (const [index, line] of lines.entries()) {
    joined.set(line, end);
    end += line.length;
    lineEnds[index] = end;
  }
  return { lines: joined.buffer as unknown as SharedArrayBuffer, lineEnds };
}

/** Yields between steps of about a millisecond. */
export function* decodeConfiguration(encoded: EncodedConfiguration): Generator<undefined, ArrivedConfiguration, void> {
  const lines = new Lines(encoded);
  const { serviceCount, routeImage } = encoded;
  const services: Record<string, ServiceConfiguration> = {};
  for (let index = 1; index <= serviceCount; index += 1) {
    const [name, service] = lines.read(index) as [string, ServiceConfiguration];
    services[name] = service;
    if (index % LINES_PER_STEP === 0) yield;
  }
  const settings = { ...(lines.read(0) as Head), services };
  return new ArrivedConfiguration({ settings, lines, firstRouteLine: 1 + serviceCount, routeImage });
}

interface ArrivedParts {
  readonly settings: SettingsOfConfiguration;
  readonly lines: Lines;
  readonly firstRouteLine: number;
  readonly routeImage: SharedArrayBuffer;
}

/** A configuration that a thread has received. Its routes are still in shared memory. */
export class ArrivedConfiguration {
  readonly settings: SettingsOfConfiguration;
  readonly routeImage: SharedArrayBuffer;
  readonly routeCount: number;
  readonly #lines: Lines;
  readonly #firstRouteLine: number;

  constructor({ settings, lines, firstRouteLine, routeImage }: ArrivedParts) {
    this.settings = settings;
    this.routeImage = routeImage;
    this.routeCount = lines.count - firstRouteLine;
    this.#lines = lines;
    this.#firstRouteLine = firstRouteLine;
  }

  /** `index`: position of the route in the configuration. */
  readRoute(index: number): [name: string, route: RouteConfiguration] {
    return this.#lines.read(this.#firstRouteLine + index) as [string, RouteConfiguration];
  }
}

class Lines {
  readonly #bytes: Buffer;
  readonly #ends: Uint32Array;

  constructor({ lines, lineEnds }: EncodedConfiguration) {
    this.#bytes = Buffer.from(lines);
    this.#ends = lineEnds;
  }

  get count(): number {
    return this.#ends.length;
  }

  read(index: number): unknown {
    const start = index === 0 ? 0 : this.#ends[index - 1];
    const text = this.#bytes.toString('utf8', start, this.#ends[index]);
    return text.includes(SECRET_MARK) ? JSON.parse(text, restoreSecrets) : JSON.parse(text);
  }
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
