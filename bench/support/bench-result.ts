/** What a benchmark hands back, and how it is shown. */
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';

export type Row = Readonly<Record<string, string | number>>;

export interface BenchResult {
  readonly name: string;
  readonly rows: readonly Row[];
  /** What a reader of the figures has to know: targets, programs that are missing, failed requests. */
  readonly notes?: readonly string[];
}

/** The settings of a benchmark, by name; each is also an option of its command line. */
export type Settings = Record<string, number | string>;
export type Bench<Own extends Settings> = (given: Partial<Own>) => Promise<BenchResult>;

/** Runs one benchmark as a program. Its settings are options, their defaults say which kind of value they take. */
export async function runAlone<Own extends Settings>(bench: Bench<Own>, defaults: Own): Promise<void> {
  const options = Object.fromEntries(Object.keys(defaults).map((name) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ options: { ...options, markdown: { type: 'boolean' as const } } });
  const { markdown, ...given } = values as Record<string, string | boolean | undefined>;
  const settings = Object.fromEntries(
    Object.entries(given).map(([name, text]) => [name, typeof defaults[name] === 'number' ? toNumber(name, text) : text]),
  );
  const machine = describeMachine();
  const result = await bench(settings as Partial<Own>);
  print(markdown === true ? `${machine}\n\n${toMarkdown(result)}` : `${machine}\n\n${toText(result)}`);
  // A server or a client may have connections left that nobody waits for.
  process.exit();
}

export function toNumber(name: string, text: unknown): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`--${name} ${text}: expected a number above 0`);
  return value;
}

/** One sentence on the machine and how busy it is before the benchmark begins: figures mean little without it. */
export function describeMachine(): string {
  const processors = cpus();
  const load = loadavg()[0]!.toFixed(1);
  return `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${process.platform}, Node ${process.version}, load average ${load} at the start.`;
}

export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** What is going on, for whoever watches; not part of the result. */
export function report(text: string): void {
  process.stderr.write(`${text}\n`);
}

export function toText({ name, rows, notes = [] }: BenchResult): string {
  const columns = columnsOf(rows);
  const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => cell(row, column).length)));
  const line = (texts: readonly string[]) =>
    texts
      .map((text, index) => text.padEnd(widths[index]!))
      .join('  ')
      .trimEnd();
  const table = [columns, ...rows.map((row) => columns.map((column) => cell(row, column)))].map(line);
  return [`${name}`, ...table.map((text) => `  ${text}`), ...notes.map((note) => `  - ${note}`)].join('\n');
}

export function toMarkdown({ name, rows, notes = [] }: BenchResult): string {
  const columns = columnsOf(rows);
  const line = (texts: readonly string[]) => `| ${texts.join(' | ')} |`;
  const table = [line(columns), line(columns.map(() => '---')), ...rows.map((row) => line(columns.map((c) => cell(row, c))))];
  return [`### ${name}`, '', ...table, ...(notes.length > 0 ? ['', ...notes.map((note) => `- ${note}`)] : [])].join('\n');
}

function columnsOf(rows: readonly Row[]): string[] {
  return [...new Set(rows.flatMap((row) => Object.keys(row)))];
}

function cell(row: Row, column: string): string {
  return String(row[column] ?? '');
}
