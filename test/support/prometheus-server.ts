/** A real Prometheus on a free port and in a folder of its own, which asks one gateway every second. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { ask } from './ask.ts';
import { eventuallyAnswers } from './eventually.ts';
import { makeFolder } from './gatehouse-process.ts';
import { findFreePort } from './pebble.ts';
import { start } from './programs.ts';

const TRIES_MAX = 3;
const PATIENCE_MS = 60_000;

interface QueryAnswer {
  readonly data: { readonly result: readonly { readonly value: readonly [time: number, text: string] }[] };
}

interface Exemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string;
}

export class PrometheusServer {
  readonly #port: number;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(t: TestContext, target: number): Promise<PrometheusServer> {
    const folder = await makeFolder(t);
    const file = join(folder, 'prometheus.yml');
    await writeFile(file, toConfiguration(target));
    for (let tries = 1; ; tries++) {
      const port = await findFreePort();
      const child = start('prometheus', [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--enable-feature=exemplar-storage',
      ]);
      t.after(() => end(child));
      // Another program may have taken the port meanwhile.
      const isReady = await Promise.race([untilReady(port), once(child, 'exit').then(() => false)]);
      if (isReady) return new PrometheusServer(port);
      if (tries === TRIES_MAX) throw new Error('Prometheus does not start');
    }
  }

  /** The value that a question has; `undefined`: none. */
  async query(text: string): Promise<number | undefined> {
    const { body } = await ask(this.#port, `/api/v1/query?query=${encodeURIComponent(text)}`);
    const value = (JSON.parse(body) as QueryAnswer).data.result[0]?.value[1];
    return value === undefined ? undefined : Number(value);
  }

  /** Requests that series name as examples, with their labels. */
  async queryExemplars(series: string): Promise<readonly Exemplar[]> {
    const seconds = 3_600;
    const nowSeconds = Date.now() / 1_000;
    const range = `start=${nowSeconds - seconds}&end=${nowSeconds + seconds}`;
    const { body } = await ask(this.#port, `/api/v1/query_exemplars?query=${encodeURIComponent(series)}&${range}`);
    const { data } = JSON.parse(body) as { data: readonly { readonly exemplars: readonly Exemplar[] }[] };
    return data.flatMap(({ exemplars }) => exemplars);
  }

  /** Asks again and again: what is scraped is a moment old. */
  async queryUntil(text: string, holds: (value: number) => boolean): Promise<number> {
    return eventuallyAnswers(async () => {
      const value = await this.query(text);
      if (value === undefined || !holds(value)) throw new Error(`${text} is ${value}`);
      return value;
    }, PATIENCE_MS);
  }
}

function toConfiguration(target: number): string {
  return JSON.stringify({
    global: { scrape_interval: '1s', scrape_timeout: '1s' },
    scrape_configs: [{ job_name: 'gatehouse', static_configs: [{ targets: [`127.0.0.1:${target}`] }] }],
  });
}

async function untilReady(port: number): Promise<boolean> {
  return eventuallyAnswers(async () => {
    if ((await ask(port, '/-/ready')).status !== 200) throw new Error('Prometheus is not ready');
    return true;
  }, PATIENCE_MS);
}

/** Resolves when it is gone, so that its folder can be removed. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const isGone = once(child, 'exit');
  child.kill('SIGKILL');
  await isGone;
}
