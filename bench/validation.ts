/**
 * What comparing messages with a large document costs: reading it, compiling its schemas, and then each request.
 *
 * Usage: node bench/validation.ts [--operations 300] [--rounds 2000] [--markdown]
 *
 * Everything runs in this process, without sockets. The document has two shared schemas for three operations, each of which uses
 * others. What counts for a data thread is the longest step, for which its requests wait. Targets: no step of 10 ms, and at
 * most 10 µs for parameters that are right.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { readContract } from '#openapi/contract-reader.ts';
import { ContractImage } from '#pipeline/contract/contract-image.ts';
import { OperationTable } from '#pipeline/contract/operation-table.ts';
import { RequestCheck } from '#pipeline/contract/request-check.ts';
import { schemaLibrary } from '#pipeline/contract/schema-library.ts';
import { SchemaSet } from '#pipeline/contract/schema-set.ts';
import { patternLibrary } from '#pipeline/expression/pattern-library.ts';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { round } from './support/statistics.ts';

const defaults = { operations: 300, rounds: 2_000 };
const PROPERTIES = 12;

const toText = (value: unknown) => JSON.stringify(value);

function createDocument(operations: number): string {
  const schemas: Record<string, unknown> = {};
  const count = Math.ceil((operations * 2) / 3);
  for (let i = 0; i < count; i++) {
    const properties: Record<string, unknown> = {};
    for (let p = 0; p < PROPERTIES; p++) properties[`p${p}`] = toProperty(i, p, count);
    schemas[`Thing${i}`] = { type: 'object', required: ['p0', 'p1', 'p2'], properties };
  }
  const paths: Record<string, unknown> = {};
  for (let i = 0; i < operations; i++) {
    const body = { content: { 'application/json': { schema: { $ref: `#/components/schemas/Thing${i % count}` } } } };
    paths[`/area${i % 20}/things${i}/{id}`] = {
      put: {
        operationId: `put${i}`,
        parameters: [
          { name: 'id', in: 'path', required: true, schema: { type: 'integer', minimum: 1 } },
          { name: 'limit', in: 'query', schema: { type: 'integer', maximum: 100 } },
          { name: 'tags', in: 'query', explode: false, schema: { type: 'array', items: { type: 'string', maxLength: 20 } } },
        ],
        requestBody: { required: true, ...body },
        responses: { 200: { description: 'ok', ...body } },
      },
    };
  }
  return toText({ openapi: '3.1.0', info: { title: 'Bench', version: '1' }, paths, components: { schemas } });
}

function toProperty(i: number, p: number, count: number): unknown {
  if (p === 9) return { type: 'array', items: { $ref: `#/components/schemas/Thing${(i * 7 + 1) % count}` } };
  if (p === 10) return { $ref: `#/components/schemas/Thing${(i * 5 + 2) % count}` };
  if (p === 11) return { type: 'string', pattern: '^[a-z]{2,8}-[0-9]+$' };
  return p % 2 === 0 ? { type: 'integer', minimum: 0 } : { type: 'string', maxLength: 40 };
}

const thing = (depth: number): unknown => ({
  ...Object.fromEntries(Array.from({ length: 9 }, (_, p) => [`p${p}`, p % 2 === 0 ? p : `value ${p}`])),
  ...(depth > 0 && { p9: Array.from({ length: 4 }, () => thing(depth - 1)) }),
  p11: 'chair-4',
});

export async function runValidationBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { operations, rounds } = { ...defaults, ...given };
  const { clock } = { clock: systemClock };
  await schemaLibrary.load();
  await patternLibrary.load();
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const file = join(folder, 'shop.json');
  writeFileSync(file, createDocument(operations));
  const rows: Row[] = [];
  let startMs = clock.monotonicMs();
  const { image: bytes } = await readContract({ form: 'openapi', file, patterns: 'refuse' });
  rows.push({ what: 'control thread: reading the document', ms: round(clock.monotonicMs() - startMs, 1) });
  rmSync(folder, { recursive: true });
  if (bytes === undefined) throw new Error('the document is refused');
  startMs = clock.monotonicMs();
  const image = new ContractImage(bytes);
  const table = new OperationTable(image.index, undefined);
  rows.push({ what: 'data thread: taking it over', ms: round(clock.monotonicMs() - startMs, 2) });
  const schemas = new SchemaSet(image, { direction: 'request', isClosed: false }, clock);
  const checkOf = (path: string) => {
    const found = table.find('PUT', path);
    if (found.kind !== 'found') throw new Error(`no operation at ${path}`);
    return {
      found,
      check: new RequestCheck(image.read(found.entry.requestLine), schemas, {
        closesQuery: false,
        depthMax: 64,
        readsMultipart: true,
      }),
    };
  };
  const heapBefore = process.memoryUsage().heapUsed;
  let steps = 0;
  let longestMs = 0;
  let totalMs = 0;
  for (let i = 0; i < operations; i++) {
    const compiling = checkOf(`/area${i % 20}/things${i}/7`).check.prepareInSteps();
    for (let isDone = false; !isDone; ) {
      const start = process.threadCpuUsage();
      isDone = compiling.next().done === true;
      const { user, system } = process.threadCpuUsage(start);
      const tookMs = (user + system) / 1_000;
      steps += 1;
      longestMs = Math.max(longestMs, tookMs);
      totalMs += tookMs;
    }
  }
  rows.push({ what: `data thread: compiling all, in ${steps} steps`, ms: round(totalMs, 0) });
  rows.push({ what: 'data thread: the longest step', ms: round(longestMs, 2) });
  const heapMb = (process.memoryUsage().heapUsed - heapBefore) / 1e6;
  const { check, found } = checkOf('/area0/things0/7');
  await check.prepare();
  const request = { query: 'limit=20&tags=a,b,c', authority: 'a', contentLengthBytes: -1, fields: ['accept', '*/*'] };
  rows.push({ what: 'finding the operation', ms: perRun(rounds, () => table.find('PUT', '/area5/things5/7')) });
  rows.push({ what: 'three parameters', ms: perRun(rounds, () => check.checkParameters(request, found.path)) });
  for (const [what, depth] of [
    ['small', 0],
    ['middle', 1],
    ['large', 3],
  ] as const) {
    const body = Buffer.from(toText(thing(depth)));
    const media = check.findMedia('application/json')!;
    const runs = Math.max(20, Math.floor(rounds / (1 + body.length / 1_000)));
    const ms = perRun(runs, () => {
      if (check.checkBody(media, 'application/json', body) !== undefined) throw new Error('the body is refused');
    });
    rows.push({ what: `a ${what} body, ${body.length} bytes`, ms });
    rows.push({ what: `  of which JSON.parse`, ms: perRun(runs, () => void JSON.parse(body.toString())) });
  }
  return { name: 'Validation', rows, notes: [`Heap after compiling: ${heapMb.toFixed(1)} MB more.`] };
}

function perRun(rounds: number, run: () => unknown): number {
  for (let i = 0; i < rounds; i++) run();
  const start = process.threadCpuUsage();
  for (let i = 0; i < rounds; i++) run();
  const { user, system } = process.threadCpuUsage(start);
  return round((user + system) / 1_000 / rounds, 4);
}

if (import.meta.main) await runAlone(runValidationBench, defaults);
