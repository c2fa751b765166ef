/** One exchange as one line for people. */
import type { ExchangeRecord } from '#http/exchange-record.ts';
import type { CommandIo } from './command-io.ts';

const colours = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2 } as const;
type Colour = keyof typeof colours;

/** Behind this, a target is cut. */
const TARGET_LENGTH_MAX = 120;

export function toExchangeLine(record: ExchangeRecord, { isTerminal }: Pick<CommandIo, 'isTerminal'>): string {
  const paint = (text: string, colour: Colour) => (isTerminal ? `\x1b[${colours[colour]}m${text}\x1b[0m` : text);
  const { at, method, status, durationMs, host, target, id } = record;
  const parts = [
    paint(at.slice(11, 23), 'dim'),
    toPlainText(method).padEnd(6),
    paint(status === 0 ? '---' : String(status), toColour(status)),
    `${toDuration(durationMs)} ms`.padStart(10),
    toPlainText(`${host}${cut(target)}`),
    toPlainText(describeWay(record)),
    ...listRemarks(record).map((remark) => paint(toPlainText(remark), remark.startsWith('GH_') ? 'red' : 'dim')),
    paint(id, 'dim'),
  ];
  return `${parts.filter((part) => part !== '').join('  ')}\n`;
}

/** What comes from clients may hold what a terminal obeys. */
export function toPlainText(text: string): string {
  return text.replace(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/g, '?');
}

function describeWay({ route, endpoint, service }: ExchangeRecord): string {
  const place = endpoint ?? service;
  if (route === undefined) return place === undefined ? '(no route)' : `→ ${place}`;
  return place === undefined ? route : `${route} → ${place}`;
}

function listRemarks({ code, cache, attempts, consumer, fallback, tunnel }: ExchangeRecord): string[] {
  return [
    ...(code === undefined ? [] : [code]),
    ...(cache === undefined ? [] : [`cache=${cache}`]),
    ...(attempts.length < 2 ? [] : [`${attempts.length} attempts`]),
    ...(fallback === undefined ? [] : [`fallback=${fallback}`]),
    ...(consumer === undefined ? [] : [`consumer=${consumer}`]),
    ...(tunnel === true ? ['tunnel'] : []),
  ];
}

function toColour(status: number): Colour {
  if (status >= 500 || status === 0) return 'red';
  if (status >= 400) return 'yellow';
  return status >= 300 ? 'cyan' : 'green';
}

function toDuration(ms: number): string {
  return ms < 100 ? ms.toFixed(2) : String(Math.round(ms));
}

function cut(target: string): string {
  return target.length > TARGET_LENGTH_MAX ? `${target.slice(0, TARGET_LENGTH_MAX)}…` : target;
}
