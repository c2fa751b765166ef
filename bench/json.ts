/**
 * What reading and mapping JSON costs: microseconds of processor time per document, beside JSON.parse of the same bytes, and beside
 * parsing, picking and printing for what a mapping does.
 *
 * Usage: node bench/json.ts [--rounds 15] [--markdown]
 *
 * The kinds take turns within a round, and the median of the rounds counts.
 */
import type { Exchange } from '#http/exchange.ts';
import { Mapping } from '#pipeline/mapping/mapping.ts';
import { readMapping } from '#schema/mapping.ts';
import { answerRoot, requestRoots } from '#schema/mapping-reference.ts';
import { JsonDocument, readJson } from '#wire/json/json-document.ts';
import { findJsonFault } from '#wire/json/json-reader.ts';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { median, round } from './support/statistics.ts';

const defaults = { rounds: 15 };
const WARM_UP_ROUNDS = 3;
/** Bytes read in one round of one kind. */
const ROUND_BYTES = 2_000_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;

interface Customer {
  readonly id: number;
  readonly first: string;
  readonly last: string;
  readonly address: { readonly city: string };
  readonly orders: readonly { readonly id: number; readonly total: number }[];
}

const map = {
  id: '${answer.body.id}',
  name: '${answer.body.first} ${answer.body.last}',
  city: '${answer.body.address.city}',
  orders: { $each: { in: '${answer.body.orders}', do: { $pick: { from: '${item}', names: ['id', 'total'] } } } },
};

export async function runJsonBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const { rounds } = { ...defaults, ...given };
  const kinds = [1, 1_000].flatMap(toKinds);
  for (let count = 0; count < WARM_UP_ROUNDS + rounds; count += 1) {
    for (const { run, bytes, figures } of kinds) {
      const figure = measure(run, bytes);
      if (count >= WARM_UP_ROUNDS) figures.push(figure);
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  return {
    name: 'JSON',
    rows: kinds.map(({ what, bytes, figures }): Row => {
      const microseconds = median(figures);
      return { what, bytes, µs: round(microseconds), 'MB/s': round(bytes / microseconds) };
    }),
    notes: [
      'The mapping picks members, joins two texts and goes over the orders. By hand the same is JSON.parse, a new object and JSON.stringify.',
    ],
  };
}

interface Kind {
  readonly what: string;
  readonly bytes: number;
  readonly run: () => unknown;
  readonly figures: number[];
}

function toKinds(orders: number): Kind[] {
  const bytes = toDocument(orders);
  const { node } = readMapping(map, { ...requestRoots, answer: answerRoot });
  const mapping = new Mapping(node);
  const runs: Readonly<Record<string, () => unknown>> = {
    checked: () => findJsonFault(bytes),
    'read as spans': () => readJson(bytes),
    'JSON.parse': () => JSON.parse(bytes.toString()),
    mapped: () => runMapping(mapping, bytes),
    'mapped by hand': () => mapByHand(bytes),
  };
  return Object.entries(runs).map(([what, run]) => ({
    what: `${what}, ${orders} orders`,
    bytes: bytes.length,
    run,
    figures: [],
  }));
}

function toDocument(orders: number): Buffer {
  const list = Array.from({ length: orders }, (_, i) => ({
    id: i,
    state: 'paid',
    total: i * 1.25,
    note: 'left at the door, as always',
  }));
  const address = { street: 'Main Street 1', city: 'Graz', country: 'AT' };
  return Buffer.from(JSON.stringify({ id: 4711, first: 'Ann', last: 'Lee', address, orders: list }));
}

function runMapping(mapping: Mapping, bytes: Buffer): Buffer {
  const document = readJson(bytes);
  if (!(document instanceof JsonDocument)) throw new TypeError('the document is JSON');
  // Nothing of the request is referred to.
  const scope = { exchange: undefined as unknown as Exchange, readJson: () => document.root, readText: () => undefined };
  const mapped = mapping.run(scope, OUTPUT_BYTES_MAX);
  if ('problem' in mapped) throw new TypeError(mapped.problem);
  return Buffer.concat(mapped.pieces, mapped.byteLength);
}

function mapByHand(bytes: Buffer): Buffer {
  const { id, first, last, address, orders } = JSON.parse(bytes.toString()) as Customer;
  const picked = orders.map((order) => ({ id: order.id, total: order.total }));
  return Buffer.from(JSON.stringify({ id, name: `${first} ${last}`, city: address.city, orders: picked }));
}

/** Microseconds of processor time per run, which other work on the machine disturbs less than the clock. */
function measure(run: () => unknown, bytes: number): number {
  const runs = Math.ceil(ROUND_BYTES / bytes);
  const before = process.cpuUsage();
  for (let i = 0; i < runs; i++) run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / runs;
}

if (import.meta.main) await runAlone(runJsonBench, defaults);
