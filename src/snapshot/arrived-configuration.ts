/** A configuration as a thread has received it. */

import { Secret } from '#base/secret.ts';
import type { Configuration, RouteConfiguration, ServiceConfiguration } from '#config/configuration.ts';
import { type EncodedConfiguration, LINES_PER_STEP, SECRET_KEY } from './encoded-configuration.ts';

/** What a thread reads at once. */
export type SettingsOfConfiguration = Omit<Configuration, 'routes'>;
type Head = Omit<SettingsOfConfiguration, 'services'>;

const SECRET_MARK = JSON.stringify(SECRET_KEY);

/** Yields between steps. */
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

/** Its routes are still in shared memory. */
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

function restoreSecrets(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, SECRET_KEY)) return value;
  return new Secret(String((value as Readonly<Record<string, unknown>>)[SECRET_KEY]));
}
