/** What stands in the file of a recording. */
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { RecordedExchange } from '#telemetry/recording/recorded-exchange.ts';
import { ask } from './ask.ts';

/** A folder that is gone when the test is. */
export async function createFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-recording-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Without those of `/begin`. */
export function readRecorded(file: string): RecordedExchange[] {
  const lines = readText(file).split('\n').slice(0, -1);
  const all = lines.filter((line) => line !== '').map((line): RecordedExchange => JSON.parse(line));
  return all.filter(({ request }) => request.target !== '/begin');
}

/** What records is loaded when it is first needed: asks for `/begin` until that is recorded. */
export async function untilRecording(port: number, file: string): Promise<void> {
  const givesUpAt = performance.now() + PATIENCE_MS;
  while (performance.now() < givesUpAt) {
    await ask(port, '/begin');
    if (readText(file).includes('/begin')) return;
  }
  throw new Error('nothing is recorded');
}

/** Empty where there is no such file: not yet, or just put aside. */
function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

const PATIENCE_MS = 60_000;
