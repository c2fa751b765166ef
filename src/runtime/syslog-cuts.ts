/** Messages of syslog that were cut because they were too long: counted, and told of now and then. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { formatMetric, type Metric } from '#base/metric-text.ts';
import { LossReport } from '#telemetry/loss-report.ts';

/** The log that a message is of. */
export type CutLog = 'access' | 'error';

const cutMetric: Metric = {
  name: 'gatehouse_syslog_messages_cut_total',
  type: 'counter',
  help: 'Messages to syslog servers that were longer than they may be, and were cut.',
};

export class SyslogCuts {
  readonly #reports: Readonly<Record<CutLog, LossReport>>;
  readonly #counts = new Map<CutLog, number>();

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    const options = { clock, logger, level: 'warn', message: 'syslog messages are cut', what: 'messages' } as const;
    this.#reports = { access: new LossReport(options), error: new LossReport(options) };
  }

  /** What is called for each message of one place. */
  toCounter(log: CutLog): () => void {
    return () => {
      this.#counts.set(log, (this.#counts.get(log) ?? 0) + 1);
      this.#reports[log].add(1, { log });
    };
  }

  /** Tells of those that nobody has been told of. */
  end(): void {
    for (const report of Object.values(this.#reports)) report.end();
  }

  get metricsText(): string {
    const values = [...this.#counts].map(([log, value]) => ({ labels: { log }, value }));
    return values.length === 0 ? '' : formatMetric(cutMetric, values);
  }
}
