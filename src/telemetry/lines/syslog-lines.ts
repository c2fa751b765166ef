/** Lines for a syslog server carry what its messages begin with, so that whoever sends them need not look into them. */
import type { LogLevel } from '#base/logger.ts';
import type { LineFormat } from './line-format.ts';
import type { LineMeans } from './line-values.ts';

/** RFC 5424 §6.2.1 */
const severities = { error: 3, warning: 4, informational: 6, debug: 7 } as const;
const severityOf: Readonly<Record<LogLevel, number>> = {
  debug: severities.debug,
  info: severities.informational,
  warn: severities.warning,
  error: severities.error,
};

/** `2026-11-27T06:39:27.123Z 6 `: time and severity, each of one length. */
export const SYSLOG_HEAD_LENGTH = 27;

export function withSyslogHead(lines: LineFormat, { time }: LineMeans): LineFormat {
  const toHead = (startedMs: number, severity: number) => `${time.isoText(startedMs)} ${severity} `;
  return {
    toLine: (exchange) => toHead(exchange.startedMs, toSeverity(exchange.status)) + lines.toLine(exchange),
    toTcpLine: (connection) =>
      toHead(connection.startedMs, connection.error === undefined ? severities.informational : severities.warning) +
      lines.toTcpLine(connection),
  };
}

/** The same for an event. */
export function toEventHead(time: string, level: LogLevel): string {
  return `${time} ${severityOf[level]} `;
}

function toSeverity(status: number): number {
  if (status >= 500) return severities.error;
  return status >= 400 ? severities.warning : severities.informational;
}
