/** The access logs of one thread, one for each place that lines go to: opened, changed and closed as configurations say. */
import { createChanceSource } from '#base/chance.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { LogSettings } from '#config/access-log/access-log-schema.ts';
import type { Configuration } from '#config/configuration.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import type { Exchange } from '#http/exchange.ts';
import { type CredentialNames, SecretNames } from '#http/secret-names.ts';
import { AccessLog, type LineSink } from '#telemetry/access-log.ts';
import { FileSink } from '#telemetry/file-sink.ts';
import { compileLineFormat, readsResponseFields } from '#telemetry/lines/compile-line-format.ts';
import { LineChoice } from '#telemetry/lines/line-choice.ts';
import { LineTime } from '#telemetry/lines/line-time.ts';
import type { LineMeans } from '#telemetry/lines/line-values.ts';
import { Redactor } from '#telemetry/lines/redactor.ts';
import { withSyslogHead } from '#telemetry/lines/syslog-lines.ts';
import { withSpan } from '#telemetry/lines/traced-fields.ts';
import { LossReport } from '#telemetry/loss-report.ts';
import { type AccessLogObserved, isRemote, toTargetKey } from './access-log-messages.ts';
import { HandedLines } from './handed-lines.ts';

/** How soon a reader of the access log that was slow is given more. */
const LOG_READER_PAUSE_MS = 5;

export interface AccessLoggingOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Tells the control thread; the buffers are its own from then on. */
  tell(observed: AccessLogObserved, handedOver?: readonly ArrayBuffer[]): void;
}

/** A log with the place that its lines go to. */
interface OpenLog {
  readonly log: AccessLog;
  readonly sink: LineSink & { reopen?(): void; close(): Promise<number> };
  readonly means: LineMeans;
  /** In metrics. */
  readonly to: string;
}

export class AccessLogging {
  readonly #options: AccessLoggingOptions;
  readonly #random = createChanceSource();
  #open: readonly OpenLog[] = [];
  #logs: readonly AccessLog[] = [];
  #definition = '';
  #names = new SecretNames();
  #flushTimer: NodeJS.Timeout | undefined;
  readonly #losses: LossReport;
  /** Whether the fields of answers stand in lines. */
  readsAnswers = false;

  constructor(options: AccessLoggingOptions) {
    this.#options = options;
    this.#losses = new LossReport({ ...options, level: 'warn', message: 'access log lines dropped', what: 'lines' });
  }

  add(exchange: Exchange): void {
    for (const log of this.#logs) log.add(exchange);
  }

  addTcp(connection: TcpConnection): void {
    for (const log of this.#logs) log.addTcp(connection);
  }

  /** A configuration is the present one. */
  follow({ accessLog }: Pick<Configuration, 'accessLog'>, configurationName: string, credentialNames: CredentialNames): void {
    for (const { means } of this.#open) means.configuration = configurationName;
    const definition = JSON.stringify([accessLog, credentialNames]);
    if (definition === this.#definition) return;
    this.#definition = definition;
    this.#names = new SecretNames(credentialNames);
    void this.close();
    if (accessLog === false) return;
    this.#open = accessLog.logs.map((settings) => this.#start(settings, configurationName));
    this.#logs = this.#open.map(({ log }) => log);
    this.readsAnswers = accessLog.logs.some(readsResponseFields);
    this.#flushTimer = setInterval(() => this.#flush(), accessLog.flushEvery).unref();
  }

  /** Opens files anew. */
  reopen(): void {
    for (const { sink } of this.#open) sink.reopen?.();
  }

  /** Resolves when all is written. */
  async close(): Promise<void> {
    clearInterval(this.#flushTimer);
    const open = this.#open;
    this.#open = [];
    this.#logs = [];
    this.readsAnswers = false;
    await Promise.all(open.map((one) => this.#closeLog(one)));
    this.#losses.end();
  }

  async #closeLog({ log, sink, to }: OpenLog): Promise<void> {
    log.flush();
    this.#drop(to, log.takeDroppedCount() + (await sink.close()));
  }

  #start(settings: LogSettings, configuration: string): OpenLog {
    const { clock } = this.#options;
    const means = { time: new LineTime(clock), redactor: new Redactor(settings.redact, this.#names), configuration };
    const lines = compileLineFormat(settings.to.kind === 'otlp' ? withSpan(settings) : settings, means);
    const format = settings.to.kind === 'syslog' ? withSyslogHead(lines, means) : lines;
    const sink = this.#openSink(settings);
    const log = new AccessLog({ sink, format, choice: new LineChoice(settings, this.#random) });
    return { log, sink, means, to: settings.to.kind };
  }

  #openSink(settings: LogSettings): OpenLog['sink'] {
    const { logger, tell } = this.#options;
    const { to } = settings;
    if (isRemote(to)) return new HandedLines('access-log-lines', toTargetKey(settings), tell);
    return new FileSink({
      target: to.kind === 'stdout' ? 'stdout' : { file: to.file },
      onError: (error) => logger.log('error', 'access log cannot be written', { error }),
      later: (run) => void setTimeout(run, LOG_READER_PAUSE_MS),
    });
  }

  #flush(): void {
    for (const { log, means } of this.#open) {
      log.flush();
      means.time.refresh();
    }
    for (const { log, to } of this.#open) this.#drop(to, log.takeDroppedCount());
    this.#losses.look();
  }

  #drop(to: string, lines: number): void {
    if (lines === 0) return;
    this.#losses.add(lines);
    this.#options.tell({ kind: 'access-log-dropped', to, lines });
  }
}
