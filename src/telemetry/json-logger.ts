import { writeSync } from 'node:fs';
import type { Clock } from '#base/clock.ts';
import { GatewayError } from '#base/errors.ts';
import type { LogFields, Logger, LogLevel } from '#base/logger.ts';

const STDERR = 2;

/** The error log: one JSON line per event on the standard error, written at once because events are few and must not be lost. */
export function createJsonLogger(clock: Clock, write: (line: string) => void = writeToStderr): Logger {
  return {
    log(level: LogLevel, message: string, fields?: LogFields) {
      const time = new Date(clock.wallMs()).toISOString();
      write(`${toJson({ time, level, message, ...fields }) ?? toJson({ time, level, message })}\n`);
    },
  };
}

function writeToStderr(line: string): void {
  try {
    writeSync(STDERR, line);
  } catch {
    // A closed or full standard error must not end the gateway.
  }
}

/** `undefined` for fields that JSON cannot hold, such as circles: an event without its fields is better than none. */
function toJson(event: LogFields): string | undefined {
  try {
    return JSON.stringify(event, printable);
  } catch {
    return undefined;
  }
}

function printable(_key: string, value: unknown): unknown {
  if (value instanceof GatewayError) return { code: value.code, message: value.message, ...value.detail, stack: value.stack };
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error) return { message: value.message, stack: value.stack };
  return value;
}
