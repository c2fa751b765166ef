/** What threads observe, as the control thread takes it: where it is sent, written and counted. The only place that knows who takes what. */

import type { ComparisonAdministration } from '#admin/comparison-administration.ts';
import type { ExchangeAdministration } from '#admin/exchange-administration.ts';
import type { RecordingAdministration } from '#admin/recording-administration.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { Configuration } from '#config/configuration.ts';
import { type CredentialNames, SecretNames } from '#http/secret-names.ts';
import { AccessLogSide } from './access-log-side.ts';
import { ComparisonSide } from './comparison-side.ts';
import { EventLogSide } from './event-log-side.ts';
import type { Exemplars } from './exemplars.ts';
import { toLoggerSettings } from './logger-settings.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import { ProcessDescription } from './process-description.ts';
import { RecordingSide } from './recording-side.ts';
import { SyslogCuts } from './syslog-cuts.ts';
import { TraceSide } from './trace-side.ts';
import { WatchSide } from './watch-side.ts';

export interface ObservingSideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  findConfiguration(): Configuration | undefined;
  /** Tells all threads. */
  observe(order: ObservingOrder): void;
  /** All threads open their files anew. */
  reopenLogs(): void;
}

export class ObservingSide {
  readonly #logger: Logger;
  readonly #accessLog: AccessLogSide;
  readonly #eventLog: EventLogSide;
  readonly #cuts: SyslogCuts;
  readonly #traces: TraceSide;
  readonly #watch: WatchSide;
  readonly #recording: RecordingSide;
  readonly #comparisons: ComparisonSide;
  readonly #options: ObservingSideOptions;

  constructor(options: ObservingSideOptions) {
    this.#logger = options.logger;
    const process = new ProcessDescription();
    this.#cuts = new SyslogCuts(options);
    this.#accessLog = new AccessLogSide({ ...options, process, cuts: this.#cuts });
    this.#eventLog = new EventLogSide({ ...options, cuts: this.#cuts });
    this.#traces = new TraceSide({ ...options, process });
    this.#watch = new WatchSide(options);
    this.#recording = new RecordingSide(options);
    this.#comparisons = new ComparisonSide(options.clock);
    this.#options = options;
  }

  take(observed: Observed): void {
    switch (observed.kind) {
      case 'access-log-lines':
      case 'access-log-dropped':
        return this.#accessLog.take(observed);
      case 'event-lines':
      case 'event-unsent':
        return this.#eventLog.take(observed);
      case 'spans':
        return this.#traces.take(observed);
      case 'exchange':
      case 'tap-dropped':
        return this.#watch.onObserved(observed);
      case 'recorded':
        return this.#recording.take(observed);
      case 'compared':
        return this.#comparisons.add(observed);
      default:
        observed satisfies never;
    }
  }

  /** A configuration is about to be the present one: `commit` or `abandon` follows. Resolves when what its threads observe can be taken. */
  async prepare(configuration: Configuration, texts: Readonly<Record<string, string>>): Promise<void> {
    await this.#traces.prepare(configuration, texts);
    await this.#accessLog.prepare(configuration, texts);
    await this.#eventLog.prepare(configuration, texts);
  }

  commit(configuration: Configuration): void {
    this.#logger.follow?.(toLoggerSettings(configuration, (observed) => this.#eventLog.take(observed)));
    this.#accessLog.commit(configuration);
    this.#eventLog.commit(configuration);
    this.#traces.follow(configuration);
  }

  /** Requests come to it. `credentialNames`: whose values are neither recorded nor shown. */
  async follow(configuration: Configuration, credentialNames: CredentialNames): Promise<void> {
    this.#comparisons.names = new SecretNames(credentialNames);
    await this.#recording.follow(configuration, credentialNames);
  }

  abandon(): void {
    this.#accessLog.abandon();
    this.#eventLog.abandon();
  }

  /** Exchanges that operators watch. */
  get exchanges(): ExchangeAdministration {
    return this.#watch;
  }

  /** Recordings that operators ask for. */
  async createRecordings(): Promise<RecordingAdministration> {
    const { OperatorRecordings } = await import('./operator-recordings.ts');
    return new OperatorRecordings({ ...this.#options, side: this.#recording });
  }

  get comparisons(): ComparisonAdministration {
    return this.#comparisons;
  }

  /** Requests that were traced of late. */
  get exemplars(): Exemplars {
    return this.#traces.exemplars;
  }

  get metricsText(): string {
    const ofLogs = this.#accessLog.metricsText + this.#eventLog.metricsText + this.#cuts.metricsText;
    return ofLogs + this.#traces.metricsText + this.#recording.metricsText + this.#comparisons.metricsText;
  }

  /** Sends what there is. `leftMs`: what is left of the time for that; `undefined`: next to none. */
  async end(leftMs?: number): Promise<void> {
    const { clock } = this.#options;
    const beganMs = clock.monotonicMs();
    this.#watch.stop();
    await Promise.all([this.#accessLog.end(leftMs), this.#traces.end(leftMs), this.#recording.stop()]);
    this.#cuts.end();
    // Last: it is told what becomes of the others.
    await this.#eventLog.end(leftMs && leftMs - (clock.monotonicMs() - beganMs));
  }
}
