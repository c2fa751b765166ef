/**
 * Traces as the control thread sees them: it sends the spans that threads tell of to the collector. What that takes is loaded by
 * configurations that trace.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import type { TracingSettings } from '#config/tracing-schema.ts';
import type { SpanExporter } from '#telemetry/span-exporter.ts';
import { Exemplars } from './exemplars.ts';
import type { ProcessDescription } from './process-description.ts';
import type { ObservedSpans } from './span-buffer.ts';

export interface TraceSideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly process: ProcessDescription;
}

/** Who has used up all the time of a shutdown has still so much. */
const LAST_WORDS_MS = 1_000;

type Sending = typeof import('./span-destination.ts');

export class TraceSide {
  /** Those that were traced of late. */
  readonly exemplars = new Exemplars();
  readonly #options: TraceSideOptions;
  #sending: Sending | undefined;
  #exporter: SpanExporter | undefined;
  /** Of where spans are sent, secrets and all. */
  #definition: string | undefined;
  /** Of the configuration that was prepared last. */
  #texts: Readonly<Record<string, string>> = {};

  constructor(options: TraceSideOptions) {
    this.#options = options;
  }

  /** A configuration is about to be the present one. `texts`: contents of files that it names. */
  async prepare({ tracing }: Pick<Configuration, 'tracing'>, texts: Readonly<Record<string, string>>): Promise<void> {
    this.#texts = texts;
    if (tracing !== undefined) this.#sending ??= await import('./span-destination.ts');
  }

  /** The one that was prepared is the present one. Without traces, what is left is sent. */
  follow({ tracing }: Pick<Configuration, 'tracing'>): void {
    if (tracing === undefined || this.#sending === undefined) return;
    const { clock, logger } = this.#options;
    const texts = this.#texts;
    // Whoever is asked anew has no patience left for what was to be sent again.
    const definition = toDefinition(tracing, texts);
    if (definition === this.#definition) return;
    this.#definition = definition;
    const destination = this.#sending.openDestination(tracing, { clock, process: this.#options.process, texts, later });
    if (this.#exporter === undefined) this.#exporter = this.#sending.createExporter(destination, { clock, logger, later });
    else this.#exporter.follow(destination);
  }

  take({ batches, lost, exemplars }: ObservedSpans): void {
    for (const exemplar of exemplars) this.exemplars.add(exemplar);
    this.#exporter?.add(batches, lost);
  }

  get metricsText(): string {
    return this.#exporter?.metricsText ?? '';
  }

  /** Sends what there is. `leftMs`: what is left of the time for that; `undefined`: it is not sent. */
  async end(leftMs?: number): Promise<void> {
    const exporter = this.#exporter;
    this.#exporter = undefined;
    if (exporter === undefined) return;
    await exporter.close(leftMs === undefined ? 0 : Math.max(leftMs, LAST_WORDS_MS));
  }
}

function toDefinition({ to, resource }: TracingSettings, texts: Readonly<Record<string, string>>): string {
  const headers = Object.entries(to.headers).map(([name, value]) => [name, value.reveal()]);
  return JSON.stringify([{ ...to, headers }, resource, to.ca === undefined ? undefined : texts[to.ca]]);
}

function later(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}
