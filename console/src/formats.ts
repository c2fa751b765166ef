/** Numbers as people read them, each with its unit. */

const NONE = '–';
const whole = new Intl.NumberFormat('en-GB', { maximumFractionDigits: 0 });

/** What does not change its width when it changes its value: three figures, or all of them. */
function toFigures(value: number): string {
  if (value === 0) return '0';
  if (value < 0.01) return '<0.01';
  if (value < 10) return value.toFixed(2);
  if (value < 100) return value.toFixed(1);
  return whole.format(value);
}

export function formatCount(value: number | null | undefined): string {
  return isNumber(value) ? whole.format(value) : NONE;
}

/** `1 version`, `2 versions`. */
export function formatNumberOf(value: number, one: string): string {
  return `${formatCount(value)} ${one}${value === 1 ? '' : 's'}`;
}

export function formatRate(perSecond: number | null | undefined): string {
  return isNumber(perSecond) ? `${toFigures(perSecond)}/s` : NONE;
}

export function formatMs(ms: number | null | undefined): string {
  if (!isNumber(ms) || ms < 0) return NONE;
  if (ms < 1000) return `${toFigures(ms)} ms`;
  if (ms < 60_000) return `${toFigures(ms / 1000)} s`;
  return `${toFigures(ms / 60_000)} min`;
}

interface Measured {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
}

/** Where nothing passed, there is no latency, and not one of 0 ms. */
export function formatLatency(traffic: Measured | undefined, quantile: 'p50Ms' | 'p90Ms' | 'p99Ms'): string {
  return traffic === undefined || traffic.requestsPerSecond === 0 ? NONE : formatMs(traffic[quantile]);
}

export function formatPercent(share: number | null | undefined): string {
  if (!isNumber(share)) return NONE;
  const percent = share * 100;
  if (percent === 0) return '0 %';
  if (percent < 0.01) return '<0.01 %';
  return `${percent < 10 ? percent.toFixed(2) : percent.toFixed(percent < 99.95 ? 1 : 0)} %`;
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function formatBytes(bytes: number | null | undefined): string {
  if (!isNumber(bytes)) return NONE;
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < byteUnits.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? whole.format(value) : toFigures(value)} ${byteUnits[unit]}`;
}

export function formatBytesRate(perSecond: number | null | undefined): string {
  return isNumber(perSecond) ? `${formatBytes(perSecond)}/s` : NONE;
}

const two = (value: number) => String(value).padStart(2, '0');

/** The time of day where the reader is: 14:03:09. */
export function formatTime(at: string): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? NONE : [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
}

export function formatDate(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return NONE;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function formatDateTime(at: string): string {
  return Number.isNaN(Date.parse(at)) ? NONE : `${formatDate(at)} ${formatTime(at)}`;
}

/** `3 min ago`, by the clock of the reader. */
export function formatAge(at: string, nowMs: number = Date.now()): string {
  const ms = nowMs - Date.parse(at);
  if (Number.isNaN(ms)) return NONE;
  return ms < 2_000 ? 'just now' : `${formatSpan(ms)} ago`;
}

export function formatSpan(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

function isNumber(value: number | null | undefined): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
