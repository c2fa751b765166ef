/**
 * The error log: what the gateway says of itself, one event to a line, written at once because events are few and must not be lost.
 * JSON for programs, text for people on a terminal.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Clock } from '#base/clock.ts';
import { type LogFields, type Logger, type LoggerSettings, type LogLevel, logLevels } from '#base/logger.ts';
import { toJsonEvent } from './json-event.ts';
import { toTextEvent } from './text-event.ts';

export interface EventLogOptions {
  readonly clock: Clock;
  /** In every event. */
  readonly fields?: LogFields;
  /** The standard error. For tests. */
  readonly write?: (line: string) => void;
  readonly isTerminal?: boolean;
  readonly hasColours?: boolean;
}

const STDERR = 2;

export class EventLog implements Logger {
  readonly #options: EventLogOptions;
  readonly #isTerminal: boolean;
  #settings: LoggerSettings = { level: 'info', format: undefined, file: undefined };
  #levelMin = logLevels.indexOf('info');
  /** Of the file. */
  #fd: number | undefined;
  #hasFailed = false;

  constructor(options: EventLogOptions) {
    this.#options = options;
    this.#isTerminal = options.isTerminal ?? isatty(STDERR);
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    if (logLevels.indexOf(level) >= this.#levelMin) this.#write(level, message, fields);
  }

  follow(settings: LoggerSettings): void {
    const isSameFile = settings.file === this.#settings.file;
    this.#settings = settings;
    this.#levelMin = logLevels.indexOf(settings.level);
    if (!isSameFile) this.reopen();
  }

  reopen(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    const { file } = this.#settings;
    if (file === undefined) return;
    try {
      this.#fd = openSync(file, 'a');
      this.#hasFailed = false;
    } catch (error) {
      this.#report(error);
    }
  }

  recover(lines: string): void {
    this.#writeToStderr(lines);
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const { clock, fields: common, hasColours = true } = this.#options;
    const { format, send } = this.#settings;
    const isElsewhere = this.#fd !== undefined || send !== undefined;
    const event = { time: new Date(clock.wallMs()).toISOString(), level, message, fields: { ...common, ...fields } };
    const isText = (format ?? (this.#isTerminal && !isElsewhere ? 'text' : 'json')) === 'text';
    const line = isText ? toTextEvent(event, hasColours && this.#isTerminal && !isElsewhere) : toJsonEvent(event);
    if (send?.({ time: event.time, level, line })) return;
    if (this.#fd === undefined) return this.#writeToStderr(line);
    try {
      writeSync(this.#fd, line);
    } catch (error) {
      this.#writeToStderr(line);
      this.#report(error);
    }
  }

  /** Events that a file does not take go to the standard error, and so does why, once. */
  #report(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const event = { time: new Date(this.#options.clock.wallMs()).toISOString(), level: 'error' as const };
    this.#writeToStderr(toJsonEvent({ ...event, message: 'log cannot be written', fields: { error } }));
  }

  #writeToStderr(line: string): void {
    if (this.#options.write !== undefined) return this.#options.write(line);
    try {
      writeSync(STDERR, line);
    } catch {
      // A closed or full standard error must not end the gateway.
    }
  }
}
