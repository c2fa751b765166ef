import { GatewayError } from '#base/errors.ts';
import type { LogFields, LogLevel } from '#base/logger.ts';

export interface LoggedEvent {
  readonly time: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** One line of JSON. */
export function toJsonEvent({ time, level, message, fields }: LoggedEvent): string {
  const known = { time, level, message, ...toCode(fields) };
  return `${toJson({ ...known, ...fields }) ?? toJson(known)}\n`;
}

/** The code of an error of the gateway stands beside the message, where it is looked for first. */
export function toCode({ error }: LogFields): { readonly code?: string } {
  return error instanceof GatewayError ? { code: error.code } : {};
}

/** `undefined` for fields that JSON cannot hold, such as circles: an event without its fields is better than none. */
function toJson(event: LogFields): string | undefined {
  try {
    return JSON.stringify(event, printable);
  } catch {
    return undefined;
  }
}

export function printable(_key: string, value: unknown): unknown {
  if (value instanceof GatewayError) return { code: value.code, message: value.message, ...value.detail, stack: value.stack };
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error) return { message: value.message, stack: value.stack };
  return value;
}
