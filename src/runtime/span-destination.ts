/** Opens what spans are sent with. Loaded by configurations that trace. */
import { createChanceSource } from '#base/chance.ts';
import type { Clock } from '#base/clock.ts';
import type { TracingSettings } from '#config/tracing-schema.ts';
import { OtlpTransport } from '#telemetry/otlp/otlp-transport.ts';
import { type ExporterMeans, type SpanDestination, SpanExporter } from '#telemetry/span-exporter.ts';
import type { ProcessDescription } from './process-description.ts';

export interface DestinationMeans {
  readonly clock: Clock;
  /** By which the process is known to the collector, as long as it lives. */
  readonly process: ProcessDescription;
  /** Contents of files that the configuration names, by path. */
  readonly texts: Readonly<Record<string, string>>;
  later(delayMs: number, run: () => void): () => void;
}

export function openDestination(
  { to, resource }: TracingSettings,
  { clock, process, texts, later }: DestinationMeans,
): SpanDestination {
  const { url, headers, timeout, retryFor, gzip, ca } = to;
  const transport = new OtlpTransport({
    url,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()])),
    compresses: gzip,
    timeoutMs: timeout,
    retryForMs: retryFor,
    ca: ca === undefined ? undefined : texts[ca],
    clock,
    random: createChanceSource(),
    later,
  });
  return { transport, resource: { ...process.attributes, ...resource } };
}

export function createExporter(destination: SpanDestination, means: ExporterMeans): SpanExporter {
  return new SpanExporter(destination, means);
}
