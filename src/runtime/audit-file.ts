/** The file of the audit log: a line of JSON for each entry, in their order, which only the user of the process may read. */
import { appendFile } from 'node:fs/promises';
import { type AuditEntry, DONE } from '#admin/audit-log.ts';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';

export interface AuditFileMeans {
  readonly clock: Clock;
  readonly logger: Logger;
  /** `undefined`: nothing is written. */
  findPath(): string | undefined;
}

const MINUTE_MS = 60_000;

export class AuditFile {
  readonly #means: AuditFileMeans;
  #minuteStartMs = Number.NEGATIVE_INFINITY;
  #refusalsInMinute = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(means: AuditFileMeans) {
    this.#means = means;
  }

  write(entry: AuditEntry): void {
    const { logger, findPath } = this.#means;
    const path = findPath();
    if (path === undefined || (entry.outcome !== DONE && !this.#takeRefusal())) return;
    const line = `${JSON.stringify(entry)}\n`;
    this.#last = this.#last.then(async () => {
      try {
        await appendFile(path, line, { mode: 0o600 });
      } catch (error) {
        logger.log('error', 'the audit log cannot be written', { file: path, error });
      }
    });
  }

  /** Resolves when everything is written. */
  async flush(): Promise<void> {
    await this.#last;
  }

  /** Whether one more is written in this minute. */
  #takeRefusal(): boolean {
    const nowMs = this.#means.clock.monotonicMs();
    if (nowMs - this.#minuteStartMs >= MINUTE_MS) {
      this.#minuteStartMs = nowMs;
      this.#refusalsInMinute = 0;
    }
    this.#refusalsInMinute += 1;
    if (this.#refusalsInMinute === limits.auditRefusalsPerMinuteMax + 1)
      this.#means.logger.log('warn', 'refusals of the admin API are left out of the file of the audit log', {
        perMinute: limits.auditRefusalsPerMinuteMax,
      });
    return this.#refusalsInMinute <= limits.auditRefusalsPerMinuteMax;
  }
}
