/** An event as a person reads it: `11:13:17.719 WARN  endpoint is unhealthy  service=orders endpoint=http://10.0.0.1:3000`. */
import type { LogLevel } from '#base/logger.ts';
import { type LoggedEvent, printable, toCode } from './json-event.ts';

const PLAIN = /^[\x21\x23-\x3c\x3e-\x5b\x5d-\x7e]+$/;
/** What makes a terminal do something, or ends a line: also those that JSON leaves as they are. */
const CONTROL = /[\x00-\x1f\x7f-\x9f\u2028\u2029]/g;
const RESET = '\x1b[0m';
const DIM = '\x1b[2m';
const colours: Readonly<Record<LogLevel, string>> = {
  debug: DIM,
  info: '\x1b[36m',
  warn: '\x1b[33m',
  error: '\x1b[31m',
};
const LEVEL_WIDTH = 5;
const MESSAGE_WIDTH = 40;

export function toTextEvent({ time, level, message, fields }: LoggedEvent, hasColours: boolean): string {
  const paint = (text: string, colour: string) => (hasColours ? colour + text + RESET : text);
  const stacks: string[] = [];
  const told = Object.entries<unknown>({ ...toCode(fields), ...fields }).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (value instanceof Error && value.stack !== undefined) stacks.push(...value.stack.split('\n').slice(1));
    return [`${paint(`${name}=`, DIM)}${toText(value instanceof Error ? value.message : value)}`];
  });
  const clock = paint(time.slice(0, -1).replace('T', ' '), DIM);
  const shown = withoutControl(message);
  const rest = told.length === 0 ? shown : `${shown.padEnd(MESSAGE_WIDTH)} ${told.join(' ')}`;
  const lines = [`${clock} ${paint(level.toUpperCase().padEnd(LEVEL_WIDTH), colours[level])} ${rest}`];
  return `${[...lines, ...stacks.map((line) => paint(`    ${withoutControl(line.trim())}`, DIM))].join('\n')}\n`;
}

function toText(value: unknown): string {
  if (typeof value === 'string') return PLAIN.test(value) ? value : withoutControl(JSON.stringify(value));
  try {
    return withoutControl(JSON.stringify(value, printable) ?? String(value));
  } catch {
    // Circles: that there was something is better than nothing.
    return '"[not shown]"';
  }
}

function withoutControl(text: string): string {
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
