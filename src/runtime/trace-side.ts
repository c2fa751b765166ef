/**
 * Traces as the control thread sees them: it sends the spans that threads tell of to the collector. What that takes is loaded by
 * configurations that trace.
 */
import { hostname } from 'node:os';
import { createChanceSource } from '#base/chance.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { TracingSettings } from '#config/tracing-schema.ts';
import { callHttpForBytes } from '#net/http-call.ts';
import type { CollectorSettings, SpanExporter } from '#telemetry/span-exporter.ts';
import type { ObservedSpans } from './tracing.ts';

export interface TraceSideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

const TRACES_PATH = '/v1/traces';
/** Who has used up all the time of a shutdown has still so much. */
const LAST_WORDS_MS = 1_000;

export class TraceSide {
  readonly #options: TraceSideOptions;
  #instanceId: string | undefined;
  #exporter: SpanExporter | undefined;

  constructor(options: TraceSideOptions) {
    this.#options = options;
  }

  /** A configuration is about to be the present one. Resolves when spans of it can be taken. */
  async prepare({ tracing }: Pick<Configuration, 'tracing'>): Promise<void> {
    if (tracing === undefined || this.#exporter !== undefined) return;
    const { SpanExporter } = await import('#telemetry/span-exporter.ts');
    const { clock, logger } = this.#options;
    const means = { clock, logger, callHttp: callHttpForBytes, random: createChanceSource(), later };
    this.#exporter = new SpanExporter(this.#toCollector(tracing), means);
  }

  /** A configuration is the present one. */
  follow({ tracing }: Pick<Configuration, 'tracing'>): void {
    if (tracing !== undefined) this.#exporter?.follow(this.#toCollector(tracing));
  }

  take({ spans, lost }: ObservedSpans): void {
    this.#exporter?.add(spans, lost);
  }

  get metricsText(): string {
    return this.#exporter?.metricsText ?? '';
  }

  /** Sends what there is. `leftMs`: what is left of the time for that; `undefined`: it is not sent. */
  async end(leftMs?: number): Promise<void> {
    const exporter = this.#exporter;
    this.#exporter = undefined;
    if (exporter === undefined) return;
    const patienceMs = leftMs === undefined ? 0 : Math.max(leftMs, LAST_WORDS_MS);
    // The process lives until then.
    const timer = setTimeout(() => undefined, patienceMs);
    await exporter.close(patienceMs);
    clearTimeout(timer);
  }

  #toCollector({ to, resource }: TracingSettings): CollectorSettings {
    const bare = to.otlp.endsWith('/') ? to.otlp.slice(0, -1) : to.otlp;
    return {
      url: bare.endsWith(TRACES_PATH) ? bare : bare + TRACES_PATH,
      headers: Object.fromEntries(Object.entries(to.headers).map(([name, value]) => [name, value.reveal()])),
      timeoutMs: to.timeout,
      resource: { ...this.#describeProcess(), ...resource },
    };
  }

  #describeProcess(): Record<string, string> {
    this.#instanceId ??= crypto.randomUUID();
    return {
      'service.name': 'gatehouse',
      'service.instance.id': this.#instanceId,
      'host.name': hostname(),
      'process.pid': String(process.pid),
      'telemetry.sdk.name': 'gatehouse',
      'telemetry.sdk.language': 'nodejs',
    };
  }
}

function later(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}
