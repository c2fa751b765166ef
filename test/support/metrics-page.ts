/** A page of metrics as tests read it: values by the name and labels that stand in front of them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { IncomingHttpHeaders } from 'node:http';
import { ask } from './ask.ts';

const PATIENCE_MS = 60_000;

export class MetricsPage {
  readonly text: string;
  readonly headers: IncomingHttpHeaders;
  readonly #values = new Map<string, number>();

  constructor(text: string, headers: IncomingHttpHeaders) {
    this.text = text;
    this.headers = headers;
    for (const line of text.split('\n')) {
      const at = line.lastIndexOf(' ');
      if (at > 0 && !line.startsWith('#')) this.#values.set(line.slice(0, at), Number(line.slice(at + 1)));
    }
  }

  static async load(port: number, headers: Readonly<Record<string, string>> = {}): Promise<MetricsPage> {
    const answer = await ask(port, '/metrics', { headers });
    assert.equal(answer.status, 200);
    return new MetricsPage(answer.body, answer.headers);
  }

  /** Looks at the page again and again until it is as wanted. */
  static async loadUntil(port: number, holds: (page: MetricsPage) => boolean, what: string): Promise<MetricsPage> {
    const givesUpAt = performance.now() + PATIENCE_MS;
    for (;;) {
      const page = await MetricsPage.load(port);
      if (holds(page)) return page;
      if (performance.now() > givesUpAt) throw new Error(`waited in vain until ${what}; in the end:\n${page.text}`);
    }
  }

  /** `series`: as it stands on the page, its labels in their order. */
  value(series: string): number | undefined {
    return this.#values.get(series);
  }

  /** All series of a metric. */
  list(name: string): [series: string, value: number][] {
    return [...this.#values].filter(([series]) => series === name || series.startsWith(`${name}{`));
  }

  /** Of all series of a metric whose labels have these texts in them. */
  sum(name: string, ...labels: readonly string[]): number {
    return this.list(name)
      .filter(([series]) => labels.every((label) => series.includes(label)))
      .reduce((sum, [, value]) => sum + value, 0);
  }

  /** Names of metrics, without what stands behind them for values of histograms. */
  get names(): string[] {
    return [...this.text.matchAll(/^# TYPE (\S+) /gm)].map(([, name]) => name!);
  }
}

/** What `promtool` has to say of a page; empty: nothing. */
export async function checkMetrics(text: string): Promise<string> {
  const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (part: string) => (said += part));
  child.stdin.end(text);
  const status = await new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
  return status === 0 ? said : `${said}(status ${status})`;
}
