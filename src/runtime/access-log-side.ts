/**
 * Logs as the control thread sees them: it sends the lines of all threads to collectors and syslog servers, puts files aside
 * that have become long or old, and knows how many lines were dropped. What that takes is loaded by configurations that need it.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { formatMetric, type Metric } from '#base/metric-text.ts';
import type { Secret } from '#base/secret.ts';
import type { LogSettings } from '#config/access-log/access-log-schema.ts';
import type { FileTarget, RemoteTarget } from '#config/access-log/target-schema.ts';
import type { Configuration } from '#config/configuration.ts';
import { countLines } from '#telemetry/lines/count-lines.ts';
import type { LogRotation } from '#telemetry/log-rotation.ts';
import { LossReport } from '#telemetry/loss-report.ts';
import { type AccessLogObserved, isRemote, toTargetKey } from './access-log-messages.ts';
import { LineDeliveries, type LinePlace, type OpenedLines } from './line-deliveries.ts';
import type { ProcessDescription } from './process-description.ts';
import type { SyslogCuts } from './syslog-cuts.ts';

export interface AccessLogSideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly process: ProcessDescription;
  readonly cuts: SyslogCuts;
  /** All threads open their files anew. */
  reopenLogs(): void;
}

const droppedMetric: Metric = {
  name: 'gatehouse_access_log_lines_dropped_total',
  type: 'counter',
  help: 'Lines of the access log that were dropped because the place that they go to was too slow, or that could not be sent.',
};

const ROTATION_LOOKS_EVERY_MS = 1_000;

export class AccessLogSide {
  readonly #options: AccessLogSideOptions;
  readonly #deliveries = new LineDeliveries();
  #rotations: readonly LogRotation[] = [];
  #rotationTimer: NodeJS.Timeout | undefined;
  #rotationDefinition = '[]';
  readonly #dropped = new Map<string, number>();

  constructor(options: AccessLogSideOptions) {
    this.#options = options;
  }

  /** A configuration is about to be the present one. Resolves when lines of it can be taken. */
  async prepare({ accessLog }: Pick<Configuration, 'accessLog'>, texts: Readonly<Record<string, string>>): Promise<void> {
    const logs = accessLog === false ? [] : accessLog.logs;
    const places = logs.flatMap((log): LinePlace[] => {
      const { to } = log;
      if (!isRemote(to)) return [];
      return [{ definition: toDefinition(log, to, texts), target: toTargetKey(log), open: () => this.#start(log, to, texts) }];
    });
    await this.#deliveries.prepare(places);
  }

  /** It is the present one. */
  commit({ accessLog, log }: Pick<Configuration, 'accessLog' | 'log'>): void {
    this.#deliveries.commit();
    const places = [log.to, ...(accessLog === false ? [] : accessLog.logs.map(({ to }) => to))];
    void this.#followRotations(places.filter((to) => to.kind === 'file'));
  }

  /** It is not. */
  abandon(): void {
    this.#deliveries.abandon();
  }

  take(observed: AccessLogObserved): void {
    if (observed.kind === 'access-log-dropped') return this.#count(observed.to, observed.lines);
    const settle = () => void Atomics.sub(observed.waiting, 0, observed.bytes.length);
    const found = this.#deliveries.find(observed.target);
    if (found !== undefined) return found.add({ bytes: observed.bytes, settle });
    settle();
    this.#count('nowhere', countLines(observed.bytes));
  }

  get metricsText(): string {
    const values = [...this.#dropped].map(([to, value]) => ({ labels: { to }, value }));
    return values.length === 0 ? '' : formatMetric(droppedMetric, values);
  }

  /** Sends what there is. `leftMs`: what is left of the time for that; `undefined`: next to none. */
  async end(leftMs?: number): Promise<void> {
    clearInterval(this.#rotationTimer);
    this.#rotations = [];
    this.#rotationDefinition = '[]';
    await this.#deliveries.end(leftMs);
  }

  async #start(log: LogSettings, to: RemoteTarget, texts: Readonly<Record<string, string>>): Promise<OpenedLines> {
    const { openDelivery } = await import('./open-delivery.ts');
    const { clock, cuts, logger, process } = this.#options;
    const losses = new LossReport({ clock, logger, level: 'error', message: 'access log cannot be sent', what: 'lines' });
    const owner = {
      onLost: (lines: number, reason: string) => {
        this.#count(to.kind, lines);
        losses.add(lines, { to: to.kind, reason });
      },
      onSent: () => undefined,
    };
    const means = { clock, texts, owner, onCut: cuts.toCounter('access'), resource: process.attributes };
    return { losses, delivery: await openDelivery(log, to, means) };
  }

  #count(to: string, lines: number): void {
    this.#dropped.set(to, (this.#dropped.get(to) ?? 0) + lines);
  }

  async #followRotations(files: readonly FileTarget[]): Promise<void> {
    const definition = JSON.stringify(files);
    if (definition === this.#rotationDefinition) return;
    this.#rotationDefinition = definition;
    clearInterval(this.#rotationTimer);
    this.#rotations = [];
    const rotated = files.filter(({ rotate }) => rotate !== undefined);
    if (rotated.length === 0) return;
    const { LogRotation } = await import('#telemetry/log-rotation.ts');
    if (this.#rotationDefinition !== definition) return;
    const { clock, logger, reopenLogs } = this.#options;
    this.#rotations = rotated.map(
      ({ file, rotate }) =>
        new LogRotation({
          file,
          settings: rotate!,
          clock,
          onPutAside: reopenLogs,
          onError: (error) => logger.log('error', 'log file cannot be put aside', { file, error }),
        }),
    );
    this.#rotationTimer = setInterval(() => this.#lookAtFiles(), ROTATION_LOOKS_EVERY_MS).unref();
  }

  #lookAtFiles(): void {
    for (const rotation of this.#rotations) void rotation.look();
  }
}

/** With secrets, and with the contents of files. */
function toDefinition(log: LogSettings, to: RemoteTarget, texts: Readonly<Record<string, string>>): string {
  const headers: Readonly<Record<string, Secret>> = 'headers' in to ? to.headers : {};
  const revealed = Object.entries(headers).map(([name, value]) => [name, value.reveal()]);
  const { tls, sasl } = to.kind === 'kafka' ? to : {};
  const files = to.kind === 'kafka' ? [tls?.ca, tls?.certificate?.cert, tls?.certificate?.key] : [to.ca];
  const contents = files.map((file) => file && texts[file]);
  return JSON.stringify([toTargetKey(log), revealed, contents, sasl?.mechanism, sasl?.username, sasl?.password.reveal()]);
}
