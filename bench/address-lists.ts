/**
 * What it costs to ask lists of addresses, by their length. Usage: `node bench/address-lists.ts`.
 *
 * Half of the entries are single addresses of IPv4, half are networks of IPv6, as in lists of offenders; half of the questions find
 * one. Sizes take turns within each round, and the median of the rounds counts. Also shown: how long reading the file
 * takes, and what the threads share of it.
 */
import { AddressRanges, AskedAddress } from '#base/address-ranges.ts';
import { writeAddressRanges } from '#base/address-ranges-writer.ts';
import { runAtOnce } from '#base/slices.ts';
import { readAddressList } from '#config/policies/address-list.ts';
import type { BenchResult } from './support/bench-result.ts';
import { median } from './support/statistics.ts';

const SIZES = [10, 1_000, 100_000, 500_000, 1_000_000];
const ROUNDS = 31;
const WARM_UP_ROUNDS = 5;
const QUESTIONS_PER_ROUND = 20_000;

/** Spread over their families, never next to each other. */
const toIpv4 = (i: number) => `${11 + (i >>> 15)}.${(i >>> 7) & 255}.${(i << 1) & 255}.1`;
const toIpv6 = (i: number) => `2001:${(i >>> 8).toString(16)}:${((i & 255) << 1).toString(16)}::`;

interface List {
  readonly size: number;
  readonly readMs: number;
  readonly imageBytes: number;
  readonly ranges: AddressRanges;
  readonly questions: readonly string[];
  readonly rounds: number[];
}

function createList(size: number): List {
  const text = Array.from({ length: size / 2 }, (_, i) => `${toIpv4(i)}\n${toIpv6(i)}/48\n`).join('');
  const startMs = performance.now();
  const image = runAtOnce(writeAddressRanges(runAtOnce(readAddressList(text)).ranges, (bytes) => new SharedArrayBuffer(bytes)));
  const readMs = performance.now() - startMs;
  const questions = Array.from({ length: QUESTIONS_PER_ROUND }, (_, i) => {
    const at = Math.floor((i * (size / 2)) / QUESTIONS_PER_ROUND + i * 7919) % (size / 2);
    const miss = i % 4 < 2 ? 0 : 1;
    return i % 2 === 0
      ? toIpv4(at).replace(/1$/, String(1 + miss))
      : `${toIpv6(at).replace(/^2001/, miss === 0 ? '2001' : '2002')}9`;
  });
  return { size, readMs, imageBytes: image.byteLength, ranges: new AddressRanges(image), questions, rounds: [] };
}

const asked = new AskedAddress();

function countHits({ ranges, questions }: List): number {
  let hits = 0;
  for (const question of questions) if (asked.read(question) && ranges.find(asked) >= 0) hits += 1;
  return hits;
}

export async function runAddressListsBench(): Promise<BenchResult> {
  const lists = SIZES.map(createList);
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    for (const list of lists) {
      const startMs = performance.now();
      const hits = countHits(list);
      const tookMs = performance.now() - startMs;
      if (hits !== QUESTIONS_PER_ROUND / 2) throw new Error(`${hits} of ${QUESTIONS_PER_ROUND} were found`);
      if (round >= WARM_UP_ROUNDS) list.rounds.push((tookMs * 1e6) / QUESTIONS_PER_ROUND);
    }
    // Lets other work of a larger benchmark run through between rounds.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const rows = lists.map(({ size, rounds, readMs, imageBytes }) => ({
    entries: size,
    'question, ns': Math.round(median(rounds)),
    'reading the file, ms': Math.round(readMs),
    'shared memory, KB': Math.round(imageBytes / 1024),
  }));
  return { name: 'lists of addresses', rows };
}

if (import.meta.main) {
  const { rows } = await runAddressListsBench();
  console.table(rows);
}
