import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ADMITTED, type AllowanceRule } from '#base/allowances.ts';
import { silentLogger } from '#base/logger.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { AllowanceTable, provideAllowanceMemory } from './allowance-table.ts';
import { Gcra } from './gcra.ts';
import { SharedAllowances } from './shared-allowances.ts';

const ROUNDING_MS = 0.01;
/** Times are whole ticks, so two of them may be so far from what they stand for. */
const toleranceMs = (rule: AllowanceRule) => ROUNDING_MS + 2 * new Gcra(rule).tickMs;
const perMinute = (limit: number, burst = limit): AllowanceRule => ({ limit, windowMs: 60_000, burst });

function create(keysMax = 1_000) {
  const told: { message: string; fields: unknown }[] = [];
  const logger = { log: (_: string, message: string, fields?: unknown) => void told.push({ message, fields }) };
  const memory = provideAllowanceMemory(keysMax);
  return {
    allowances: new SharedAllowances(memory, logger),
    memory,
    told,
    clock: new FakeClock(),
    table: new AllowanceTable(memory),
  };
}

/** The algorithm as the books have it, with the time of one key in milliseconds. */
class ModelledKey {
  readonly #spacingMs: number;
  readonly #burstMs: number;
  #arrivalMs = 0;

  constructor({ limit, windowMs, burst }: AllowanceRule) {
    this.#spacingMs = windowMs / limit;
    this.#burstMs = this.#spacingMs * burst;
  }

  /** Positive: one may be taken; near 0, rounding decides. */
  marginMs(nowMs: number): number {
    return this.#burstMs - (Math.max(this.#arrivalMs, nowMs) + this.#spacingMs - nowMs);
  }

  take(nowMs: number): void {
    this.#arrivalMs = Math.max(this.#arrivalMs, nowMs) + this.#spacingMs;
  }

  aheadMs(nowMs: number): number {
    return Math.max(0, this.#arrivalMs - nowMs);
  }
}

const anyRule = fc.record({
  limit: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 1_000_000 })),
  windowMs: fc.constantFrom(1_000, 7_000, 60_000, 3_600_000, 86_400_000),
  burst: fc.integer({ min: 1, max: 30 }),
});
/** A configuration says nothing twice. */
const anyRules = fc.uniqueArray(anyRule, { minLength: 1, maxLength: 3, selector: (rule) => JSON.stringify(rule) });
/** Which of three keys asks, and after how much time: mostly about as much as one request takes to come back. */
const anyStep = fc.record({
  key: fc.integer({ min: 0, max: 2 }),
  afterSpacings: fc.oneof(
    fc.constant(0),
    fc.double({ min: 0, max: 3, noNaN: true }),
    fc.double({ min: 0, max: 300, noNaN: true }),
  ),
});

test('decides as the algorithm does in the books, for any limits, keys and times', () => {
  fc.assert(
    fc.property(anyRules, fc.array(anyStep, { maxLength: 120 }), (rules, steps) => {
      const { allowances, clock } = create();
      const allowance = allowances.open('tested', rules);
      const models = [0, 1, 2].map(() => rules.map((rule) => new ModelledKey(rule)));
      for (const { key, afterSpacings } of steps) {
        clock.advance((afterSpacings * rules[0]!.windowMs) / rules[0]!.limit);
        const nowMs = clock.monotonicMs();
        const margins = models[key]!.map((model) => model.marginMs(nowMs));
        const refusing = allowance.take(`key ${key}`, nowMs);
        for (const [rule, margin] of margins.entries()) {
          const tolerance = toleranceMs(rules[rule]!);
          if (refusing === ADMITTED) assert.ok(margin > -tolerance, `rule ${rule} would refuse: ${margin}`);
          if (refusing === rule) assert.ok(margin < tolerance, `rule ${rule} would admit: ${margin}`);
        }
        if (refusing === ADMITTED) for (const model of models[key]!) model.take(nowMs);
        for (const [rule, model] of models[key]!.entries()) {
          const told = allowance.restoredInMs(rule);
          assert.ok(Math.abs(told - model.aheadMs(nowMs)) < toleranceMs(rules[rule]!), `${told} and not ${model.aheadMs(nowMs)}`);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('a burst is admitted at once, and then one after the other as they come back', () => {
  const { allowances, clock } = create();
  const allowance = allowances.open('x', [perMinute(60, 3)]);
  const take = () => allowance.take('a', clock.monotonicMs());
  assert.deepEqual([take(), take(), take(), take()], [ADMITTED, ADMITTED, ADMITTED, 0]);
  assert.ok(Math.abs(allowance.nextInMs(0) - 1_000) < ROUNDING_MS);
  assert.equal(allowance.remaining(0), 0);
  clock.advance(999.9);
  assert.equal(take(), 0);
  clock.advance(0.1);
  assert.deepEqual([take(), take()], [ADMITTED, 0]);
  assert.equal(allowance.take('b', clock.monotonicMs()), ADMITTED, 'another key has its own');
  assert.equal(allowance.remaining(0), 2);
});

test('who is refused by one limit takes nothing from the others', () => {
  const { allowances, clock } = create();
  const rules = [perMinute(5), { limit: 2, windowMs: 3_600_000, burst: 2 }];
  const allowance = allowances.open('x', rules);
  const take = () => allowance.take('a', clock.monotonicMs());
  assert.deepEqual([take(), take()], [ADMITTED, ADMITTED]);
  for (let i = 0; i < 10; i++) assert.equal(take(), 1);
  assert.equal(allowance.remaining(0), 3);
});

test('the same limit under the same name goes on counting; another limit or name begins anew', () => {
  const { allowances, memory, clock } = create();
  const nowMs = clock.monotonicMs();
  assert.equal(allowances.open('x', [perMinute(1)]).take('a', nowMs), ADMITTED);
  const later = new SharedAllowances(memory, silentLogger);
  assert.equal(later.open('x', [perMinute(1)]).take('a', nowMs), 0);
  assert.equal(later.open('y', [perMinute(1)]).take('a', nowMs), ADMITTED);
  assert.equal(later.open('x', [perMinute(2)]).take('a', nowMs), ADMITTED);
  assert.equal(provideAllowanceMemory(1_000, memory), memory);
  assert.notEqual(provideAllowanceMemory(2_000, memory), memory);
});

test('a million keys find room in 24 bytes each', () => {
  const { allowances, memory, table, clock } = create(1_000_000);
  const allowance = allowances.open('x', [perMinute(1)]);
  const nowMs = clock.monotonicMs();
  const toKey = (i: number) => `10.${i >> 16}.${(i >> 8) & 0xff}.${i & 0xff}`;
  for (let i = 0; i < 1_000_000; i++) assert.equal(allowance.take(toKey(i), nowMs), ADMITTED);
  assert.equal(table.overflowCount, 0);
  for (let i = 0; i < 1_000_000; i += 997) assert.equal(allowance.take(toKey(i), nowMs), 0);
  assert.ok(memory.byteLength <= 24 * 1_000_000 + 10_000, String(memory.byteLength));
});

test('when there is no room, those that find none share one allowance, and nobody is freed of his limit', () => {
  const { allowances, told, table, clock } = create(100);
  const allowance = allowances.open('x', [{ limit: 10, windowMs: 3_600_000, burst: 10 }]);
  const startMs = clock.monotonicMs();
  let admitted = 0;
  for (let i = 0; i < 10; i++) admitted += allowance.take('attacker', startMs) === ADMITTED ? 1 : 0;
  assert.deepEqual([admitted, allowance.take('attacker', startMs)], [10, 0]);
  let admittedOthers = 0;
  for (let i = 0; i < 5_000; i++) if (allowance.take(`other ${i}`, startMs) === ADMITTED) admittedOthers += 1;
  const entries = 5_000 - table.overflowCount;
  assert.equal(admittedOthers, entries + 10, 'one for each that has an entry, and one allowance for the rest');
  assert.ok(entries <= 152, `${entries} entries`);
  assert.equal(allowance.take('attacker', startMs), 0);
  assert.equal(told.length, 1);
  assert.equal(told[0]!.message, 'no room for more keys of rate limits');
  allowance.take('one more', startMs + 10_000);
  assert.deepEqual(told[1]?.fields, { requests: table.overflowCount - 1 });
});

test('an entry is given to another key when all that was taken is back, and not a moment earlier', () => {
  const { allowances, table, clock } = create(100);
  const allowance = allowances.open('x', [perMinute(1)]);
  const fill = (name: string) => {
    for (let i = 0; i < 3_000; i++) allowance.take(`${name} ${i}`, clock.monotonicMs());
    return table.overflowCount;
  };
  const first = fill('a');
  clock.advance(59_000);
  // Nothing has become free: all of these share.
  assert.equal(fill('b') - first, 3_000);
  clock.advance(2_000);
  // As many find room as the first time, give or take where their hashes fall.
  const again = 3_000 - (fill('c') - first - 3_000);
  assert.ok(again > 120, `${again} found room`);
});

test('times that have come round long ago mean nothing', () => {
  const { allowances, clock } = create();
  const allowance = allowances.open('x', [{ limit: 1_000_000, windowMs: 1_000, burst: 2 }]);
  // The ticks of this limit come round after half an hour.
  for (let i = 0; i < 4_000; i++) {
    assert.equal(allowance.take('a', clock.monotonicMs()), ADMITTED);
    clock.advance(1_000.7 * i);
  }
});

test('an entry that a thread died with is left out, and its key gets another one', () => {
  const { allowances, memory, clock } = create();
  const allowance = allowances.open('x', [perMinute(2)]);
  const words = new Int32Array(memory);
  const before = words.slice();
  allowance.take('a', clock.monotonicMs());
  const changed = [...words.keys()].filter((at) => words[at] !== before[at]);
  assert.equal(changed.length, 4, 'all words of one entry');
  // As a thread leaves it that ends before it has written when the key is free again.
  words[changed[0]!] = -1;
  words[changed[1]!] = 0;
  const take = () => allowance.take('a', clock.monotonicMs());
  assert.deepEqual([take(), take(), take()], [ADMITTED, ADMITTED, 0]);
  assert.ok(words[changed[0]!]! < 0, 'nobody uses it again');
});
