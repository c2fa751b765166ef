/**
 * The error log as the control thread sees it, where it goes to a syslog server: it sends the events of all threads, and hands back to
 * the logger those that it cannot send.
 */
import type { Clock } from '#base/clock.ts';
import type { LogFields, Logger, LogLevel } from '#base/logger.ts';
import { formatMetric, type Metric } from '#base/metric-text.ts';
import type { SyslogTarget } from '#config/access-log/syslog-target-schema.ts';
import type { Configuration } from '#config/configuration.ts';
import { toJsonEvent } from '#telemetry/json-event.ts';
import { SYSLOG_HEAD_LENGTH } from '#telemetry/lines/syslog-lines.ts';
import { LossReport } from '#telemetry/loss-report.ts';
import { type EventObserved, toEventTarget } from './access-log-messages.ts';
import { LineDeliveries, type OpenedLines } from './line-deliveries.ts';
import type { SyslogCuts } from './syslog-cuts.ts';

export interface EventLogSideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly cuts: SyslogCuts;
}

const unsentMetric: Metric = {
  name: 'gatehouse_log_events_unsent_total',
  type: 'counter',
  help: 'Events of the error log that could not be sent, and went to the standard error.',
};

export class EventLogSide {
  readonly #options: EventLogSideOptions;
  readonly #deliveries = new LineDeliveries();
  readonly #onExit = () => this.#deliveries.abort();
  #unsent = 0;

  constructor(options: EventLogSideOptions) {
    this.#options = options;
  }

  async prepare({ log: { to } }: Pick<Configuration, 'log'>, texts: Readonly<Record<string, string>>): Promise<void> {
    if (to.kind !== 'syslog') return this.#deliveries.prepare([]);
    const target = toEventTarget(to);
    const ca = to.ca === undefined ? undefined : texts[to.ca];
    await this.#deliveries.prepare([{ definition: JSON.stringify([target, ca]), target, open: () => this.#start(to, ca) }]);
  }

  commit({ log }: Pick<Configuration, 'log'>): void {
    this.#deliveries.commit();
    process.off('exit', this.#onExit);
    // A process that ends at once is the one whose last words are looked for.
    if (log.to.kind === 'syslog') process.on('exit', this.#onExit);
  }

  abandon(): void {
    this.#deliveries.abandon();
  }

  take(observed: EventObserved): void {
    if (observed.kind === 'event-unsent') return void this.#unsent++;
    const { target, bytes, waiting } = observed;
    const settle = () => void Atomics.sub(waiting, 0, bytes.length);
    const found = this.#deliveries.find(target);
    if (found !== undefined) return found.add({ bytes, settle });
    settle();
    this.#recover(bytes);
  }

  get metricsText(): string {
    return this.#unsent === 0 ? '' : formatMetric(unsentMetric, [{ labels: { to: 'syslog' }, value: this.#unsent }]);
  }

  async end(leftMs?: number): Promise<void> {
    await this.#deliveries.end(leftMs);
    process.off('exit', this.#onExit);
  }

  async #start(to: SyslogTarget, ca: string | undefined): Promise<OpenedLines> {
    const { openSyslog } = await import('./open-delivery.ts');
    const { clock, cuts } = this.#options;
    // Not through the log, which is what fails.
    const logger = { log: (...event: Parameters<Logger['log']>) => this.#write(...event) };
    const losses = new LossReport({ clock, logger, level: 'error', message: 'log cannot be sent', what: 'events' });
    const owner = {
      onLost: (events: number, reason: string, bytes: readonly Uint8Array[] = []) => {
        for (const lost of bytes) this.#recover(lost);
        losses.add(events, { to: 'syslog', reason });
      },
      onSent: () => undefined,
    };
    return { losses, delivery: await openSyslog(to, { messageId: 'event', ca, owner, onCut: cuts.toCounter('error') }) };
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    const { clock, logger } = this.#options;
    logger.recover?.(toJsonEvent({ time: new Date(clock.wallMs()).toISOString(), level, message, fields }));
  }

  #recover(bytes: Uint8Array): void {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).latin1Slice();
    const lines = text.split('\n').filter((line) => line !== '');
    this.#unsent += lines.length;
    this.#options.logger.recover?.(lines.map((line) => `${line.slice(SYSLOG_HEAD_LENGTH)}\n`).join(''));
  }
}
