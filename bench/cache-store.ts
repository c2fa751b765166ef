/**
 * The memory for answers: what finding an answer costs, by where it is, and how many requests of two threads are answered from it,
 * when threads share it and when each has half of it.
 *
 * Usage: node bench/cache-store.ts [--rounds 5] [--seconds 1] [--markdown]
 *
 * The hit ratio is that of requests for 20,000 addresses by Zipf's law (0.9), of which each thread gets every other one; with a
 * scan, every fourth is for something that nobody asks for twice. An answer has 4 KiB, the memory holds a tenth of the addresses.
 */
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { StoredAnswer } from '#base/answer-store.ts';
import { systemClock } from '#base/clock.ts';
import { provideAnswerMemory } from '#stores/memory/answer-layout.ts';
import { SharedAnswers } from '#stores/memory/shared-answers.ts';
import { createSeededRandom } from '#test/support/policy-services.ts';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { median, round } from './support/statistics.ts';

const defaults = { rounds: 5, seconds: 1 };
const MIB = 1024 * 1024;
const BODY_BYTES = 4_096;
const ADDRESSES = 20_000;
const REQUESTS = 400_000;
const SKEW = 0.9;
const SCAN_SHARE = 1 / 4;
const MEMORY_BYTES = 9 * MIB;
const FEW = 100;
/** By the bytes of an answer: more than a thread has in front. */
const ADDRESSES_READ = { 512: 20_000, 4096: 8_000, 65536: 500 };
const MS_PER_S = 1_000;

function createAnswer(bodyBytes = BODY_BYTES): StoredAnswer {
  const untilMs = systemClock.monotonicMs() + 3_600_000;
  return new StoredAnswer({
    status: 200,
    fields: ['content-type', 'application/json', 'etag', '"0123456789abcdef"', 'cache-control', 'max-age=600', 'vary', 'accept'],
    body: Buffer.alloc(bodyBytes, 'x'),
    part: undefined,
    selection: { names: ['accept'], values: 'application/json' },
    dateMs: systemClock.wallMs(),
    bornMs: systemClock.monotonicMs(),
    freshUntilMs: untilMs,
    usableWhileAskedMs: untilMs,
    usableOnErrorMs: untilMs,
    keptUntilMs: untilMs,
    isAlwaysAsked: false,
    isNeverStale: false,
    isImmutable: false,
    tags: [],
  });
}

const toUri = (index: number) => `http://shop.example/articles/${index}?page=2`;

function open(bytes: number, threads: number, count = threads): SharedAnswers[] {
  const memory = provideAnswerMemory({ bytes, threads });
  return Array.from({ length: count }, (_, threadNumber) => new SharedAnswers(memory, { clock: systemClock, threadNumber }));
}

/** Microseconds of processor time of one run. */
function measure(run: (i: number) => void, { rounds, seconds }: typeof defaults): number {
  const figures: number[] = [];
  for (let turn = 0; turn < rounds; turn++) {
    const startMs = performance.now();
    const start = process.cpuUsage();
    let count = 0;
    do for (let i = 0; i < FEW; i++) run(count++);
    while (performance.now() - startMs < (seconds * MS_PER_S) / rounds);
    const { user, system } = process.cpuUsage(start);
    figures.push((user + system) / count);
  }
  return median(figures);
}

function measureCosts(given: typeof defaults): Row[] {
  const rows: Row[] = [];
  const add = (what: string, run: (i: number) => void) => rows.push({ what, µs: round(measure(run, given), 2) });
  const plain = new Map<string, readonly StoredAnswer[]>();
  const [one] = open(64 * MIB, 2);
  const uris = Array.from({ length: FEW }, (_, i) => toUri(i));
  for (const uri of uris) {
    const answer = createAnswer();
    plain.set(uri, [answer]);
    one!.put(uri, 'shop', answer);
  }
  add('found in a plain map of the thread', (i) => void plain.get(toUri(i % FEW)));
  add('found again by a thread', (i) => void one!.find(toUri(i % FEW), 'shop'));
  for (const [bytes, count] of Object.entries(ADDRESSES_READ).map(([key, value]) => [Number(key), value] as const)) {
    // In turn, so many that a thread never has in front what it asks for.
    const [keeping, reading] = open(64 * MIB, 2);
    const kept = createAnswer(bytes);
    for (let i = 0; i < count; i++) keeping!.put(toUri(i), 'shop', kept);
    add(`read from shared memory, ${bytes} bytes`, (i) => void reading!.find(toUri(i % count), 'shop'));
  }
  add('not found', (i) => void one!.find(toUri(FEW + (i % FEW)), 'shop'));
  const answer = createAnswer();
  add('kept, where something has to go', (i) => one!.put(toUri(i % 100_000), 'shop', answer));
  const { port1, port2 } = new MessageChannel();
  add('told another thread in a message', () => {
    port1.postMessage(answer.facts);
    receiveMessageOnPort(port2);
  });
  port1.close();
  return rows;
}

/** Which addresses are asked for, one behind the other; those of a scan never again. */
function createRequests(scans: boolean): Int32Array {
  const random = createSeededRandom(1);
  const cumulative = new Float64Array(ADDRESSES);
  let sum = 0;
  for (let i = 0; i < ADDRESSES; i++) {
    sum += 1 / (i + 1) ** SKEW;
    cumulative[i] = sum;
  }
  return Int32Array.from({ length: REQUESTS }, (_, i) => {
    if (scans && random() < SCAN_SHARE) return ADDRESSES + i;
    const wanted = random() * sum;
    let [low, high] = [0, ADDRESSES - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

function hitRatio(threads: readonly SharedAnswers[], requests: Int32Array): number {
  const answer = createAnswer();
  let [hits, counted] = [0, 0];
  for (const [i, address] of requests.entries()) {
    const store = threads[i % threads.length]!;
    const uri = toUri(address);
    const found = store.find(uri, 'shop')?.[0];
    if (found !== undefined) found.wasUsed = true;
    else store.put(uri, 'shop', answer);
    // Until then it fills.
    if (i < REQUESTS / 4 || address >= ADDRESSES) continue;
    counted += 1;
    if (found !== undefined) hits += 1;
  }
  return hits / counted;
}

export async function runCacheStoreBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const settings = { ...defaults, ...given };
  const rows = measureCosts(settings);
  for (const scans of [false, true]) {
    const requests = createRequests(scans);
    const shared = open(MEMORY_BYTES, 2);
    const apart = [...open(MEMORY_BYTES / 2, 1), ...open(MEMORY_BYTES / 2, 1)];
    const ending = scans ? ', with a scan' : '';
    rows.push({ what: `hit ratio, shared by two threads${ending}`, ratio: round(hitRatio(shared, requests), 3) });
    rows.push({ what: `hit ratio, half for each of two threads${ending}`, ratio: round(hitRatio(apart, requests), 3) });
  }
  return { name: 'Memory for answers', rows, notes: [] };
}

if (import.meta.main) await runAlone(runCacheStoreBench, defaults);
