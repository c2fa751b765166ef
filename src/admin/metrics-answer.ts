/** The answer of `/metrics`: in the form and the coding that whoever asks prefers, and not held for long for one who does not read it. */
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
  renderMetrics(format: MetricsFormat): Promise<string>;
}

export async function answerMetrics(
  { headers, method }: IncomingMessage,
  response: ServerResponse,
  facts: MetricsFacts,
): Promise<void> {
  const format = chooseFormat(headers.accept);
  // The socket is silent for so long only where nobody reads: all there is to write is there.
  response.setTimeout(limits.scrapeTimeoutMs, () => response.destroy());
  const text = await facts.renderMetrics(format);
  const plain = Buffer.from(text);
  const isCompressed = plain.length >= COMPRESSED_FROM_BYTES && acceptsGzip(headers['accept-encoding']);
  const bytes = isCompressed ? await compress(plain, { level: constants.Z_BEST_SPEED }) : plain;
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
