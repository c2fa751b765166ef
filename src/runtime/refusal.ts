import type { Logger, LogLevel } from '#base/logger.ts';
import { type Finding, formatPath, type Issue, sortIssues } from '#config/issue.ts';
import type { LoadedConfiguration } from '#config/load.ts';

/** Why a configuration was not taken. Nothing was changed. */
export interface Refusal {
  readonly issues: readonly Issue[];
  /** What went wrong beyond the document and the files that it names: a port in use. */
  readonly reasons: readonly string[];
}

/** What became of a configuration while another one runs. */
export interface TakeOutcome {
  /** Then nothing has changed. */
  readonly refusal: Refusal | undefined;
  readonly warnings: readonly Issue[];
}

/** Nothing runs yet, or everything ends: nothing is refused, and nothing changes. */
export const notRunning: TakeOutcome = { refusal: undefined, warnings: [] };

/** `loaded` tells where things stand; without it, there is no document that is new. */
export function toRefusal(findings: readonly Finding[], loaded: LoadedConfiguration | undefined): Refusal {
  if (loaded !== undefined) return { issues: sortIssues(findings.map((finding) => loaded.toIssue(finding))), reasons: [] };
  return { issues: [], reasons: findings.map(({ path, message }) => `${formatPath(path)}: ${message}`) };
}

export function logIssues(logger: Logger, level: LogLevel, event: string, issues: readonly Issue[]): void {
  for (const { file, line, column, path, message } of issues)
    logger.log(level, event, { file, line, column, path: formatPath(path), issue: message });
}

export function logRefusal(logger: Logger, event: string, { issues, reasons }: Refusal): void {
  for (const { file, line, column, message: issue } of issues) logger.log('error', event, { file, line, column, issue });
  for (const reason of reasons) logger.log('error', event, { reason });
}
