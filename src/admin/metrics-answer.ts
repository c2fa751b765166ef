/**
 * Answers to `/metrics`: in the form and the coding that whoever asks prefers, made once for all who ask at the same time, and not held
 * for long for one who does not read.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { limits } from '#base/limits.ts';
import type { MetricsFormat } from '#base/metric-text.ts';

const compress = promisify(gzip);
/** What takes less is not worth it. */
const COMPRESSED_FROM_BYTES = 1_024;

const types: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

export interface MetricsFacts {
  renderMetrics(format: MetricsFormat): Promise<Buffer>;
}

interface Page {
  readonly bytes: Buffer;
  readonly isCompressed: boolean;
}

export class MetricsAnswers {
  readonly #facts: MetricsFacts;
  /** Being made, for all who ask for the same meanwhile. */
  readonly #making = new Map<string, Promise<Page>>();
  /** Answers that are not sent yet, or not read. */
  #openCount = 0;

  constructor(facts: MetricsFacts) {
    this.#facts = facts;
  }

  async answer({ headers, method }: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#openCount >= limits.scrapesAtOnceMax) {
      response.writeHead(503, { 'retry-after': '1', 'cache-control': 'no-store' });
      response.end();
      return;
    }
    this.#openCount += 1;
    response.once('close', () => {
      this.#openCount -= 1;
    });
    // The socket is silent for so long only where nobody reads: all there is to write is there.
    response.setTimeout(limits.scrapeTimeoutMs, () => response.destroy());
    const format = chooseFormat(headers.accept);
    const { bytes, isCompressed } = await this.#find(format, acceptsGzip(headers['accept-encoding']));
    if (response.destroyed) return;
    response.writeHead(200, {
      'content-type': types[format],
      'content-length': bytes.length,
      'cache-control': 'no-store',
      vary: 'accept, accept-encoding',
      ...(isCompressed && { 'content-encoding': 'gzip' }),
    });
    response.end(method === 'HEAD' ? undefined : bytes);
  }

  #find(format: MetricsFormat, mayCompress: boolean): Promise<Page> {
    const key = `${format} ${mayCompress}`;
    const present = this.#making.get(key);
    if (present !== undefined) return present;
    const making = this.#make(format, mayCompress).finally(() => this.#making.delete(key));
    this.#making.set(key, making);
    return making;
  }

  async #make(format: MetricsFormat, mayCompress: boolean): Promise<Page> {
    const plain = await this.#facts.renderMetrics(format);
    const isCompressed = mayCompress && plain.length >= COMPRESSED_FROM_BYTES;
    return { bytes: isCompressed ? await compress(plain, { level: constants.Z_BEST_SPEED }) : plain, isCompressed };
  }
}

/** RFC 9110 §12.5.1. Whoever does not say anything of OpenMetrics gets what everybody reads. */
export function chooseFormat(accept: string | undefined): MetricsFormat {
  let openMetrics = 0;
  let plain = 0;
  for (const { value, parameters, weight } of readPreferences(accept)) {
    const version = parameters.get('version');
    if (value === 'application/openmetrics-text' && (version === undefined || version === '1.0.0'))
      openMetrics = Math.max(openMetrics, weight);
    if (value === 'text/plain' && (version === undefined || version === '0.0.4')) plain = Math.max(plain, weight);
  }
  return openMetrics > 0 && openMetrics >= plain ? 'openmetrics' : 'prometheus';
}

/** RFC 9110 §12.5.3. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  let other = 0;
  for (const { value, weight } of readPreferences(acceptEncoding)) {
    if (value === 'gzip') return weight > 0;
    if (value === '*') other = weight;
  }
  return other > 0;
}

interface Preference {
  readonly value: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly weight: number;
}

function readPreferences(text = ''): Preference[] {
  return text.split(',').map((item) => {
    const [value = '', ...rest] = item.split(';').map((part) => part.trim().toLowerCase());
    const parameters = new Map(rest.map((part) => [part.split('=')[0]!, part.split('=')[1]?.replaceAll('"', '') ?? '']));
    const weight = Number(parameters.get('q') ?? 1);
    return { value, parameters, weight: Number.isNaN(weight) ? 0 : weight };
  });
}
