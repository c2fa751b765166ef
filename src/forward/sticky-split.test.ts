import assert from 'node:assert/strict';
import test from 'node:test';
import { toPlainConsumer } from '#http/consumer.ts';
import { createSeededRandom } from '#test/support/policy-services.ts';
import { type StickyKey, StickySplit } from './sticky-split.ts';

const random = createSeededRandom(20);
const keys = Array.from({ length: 20_000 }, () => Math.floor(random() * 2 ** 32).toString(16));

function split(weights: Readonly<Record<string, number>>, key: StickyKey = { kind: 'ip' }) {
  return new StickySplit(
    key,
    Object.entries(weights).map(([name, weight]) => ({ name, weight })),
  );
}

function namesFor(weights: Readonly<Record<string, number>>): string[] {
  const of = split(weights);
  return keys.map((key) => of.shareFor(key).name);
}

test('shares are as large as their weights say', () => {
  for (const weights of [
    { stable: 90, next: 10 },
    { stable: 999, next: 1 },
    { a: 1, b: 1, c: 1 },
    { a: 1, b: 2, c: 3, d: 4 },
  ]) {
    const names = namesFor(weights);
    const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
    for (const [name, weight] of Object.entries(weights)) {
      const share = weight / total;
      const expected = keys.length * share;
      const count = names.filter((other) => other === name).length;
      const deviation = Math.sqrt(keys.length * share * (1 - share));
      assert.ok(Math.abs(count - expected) <= 5 * deviation, `${name} of ${JSON.stringify(weights)}: ${count}`);
    }
  }
});

test('keys that say nothing but a number are spread as well', () => {
  const of = split({ a: 1, b: 1 });
  const count = Array.from({ length: 10_000 }, (_, i) => of.shareFor(`10.0.${i >> 8}.${i & 255}`).name).filter((n) => n === 'a');
  assert.ok(Math.abs(count.length - 5_000) <= 250, `${count.length}`);
});

test('a share that grows takes only what it grows by, and takes it from the others; nothing else moves', () => {
  const before = namesFor({ a: 50, b: 40, c: 10 });
  const after = namesFor({ a: 50, b: 40, c: 20 });
  let moved = 0;
  for (const [i, name] of after.entries()) {
    if (name === before[i]) continue;
    moved += 1;
    assert.equal(name, 'c');
  }
  // From 10 of 100 to 20 of 110.
  const expected = keys.length * (20 / 110 - 10 / 100);
  assert.ok(Math.abs(moved - expected) <= 250, `${moved} moved`);
});

test('a share that is taken away gives what it had to the others, and nothing else moves', () => {
  const before = namesFor({ a: 2, b: 1, c: 1 });
  for (const after of [namesFor({ a: 2, b: 1 }), namesFor({ b: 1, c: 0, a: 2 })]) {
    for (const [i, name] of after.entries()) assert.ok(before[i] === 'c' ? name !== 'c' : name === before[i]);
  }
});

test('all weights times the same number, in another order, is the same split', () => {
  assert.deepEqual(namesFor({ a: 1, b: 3 }), namesFor({ b: 300, a: 100 }));
});

test('a share that is named twice has both weights', () => {
  const twice = new StickySplit({ kind: 'ip' }, [
    { name: 'a', weight: 1 },
    { name: 'b', weight: 2 },
    { name: 'a', weight: 2 },
  ]);
  assert.deepEqual(
    keys.map((key) => twice.shareFor(key).name),
    namesFor({ a: 3, b: 2 }),
  );
});

test('requests are told by what they say, and a request that does not say it by nothing', () => {
  const subject = (...fields: string[]) => ({ fields, clientAddress: '192.0.2.7' });
  assert.equal(split({ a: 1 }).keyOf(subject(), undefined), '192.0.2.7');
  const byConsumer = split({ a: 1 }, { kind: 'consumer' });
  assert.equal(byConsumer.keyOf(subject(), toPlainConsumer('alice', [])), 'alice');
  assert.equal(byConsumer.keyOf(subject(), undefined), undefined);
  const byClaim = split({ a: 1 }, { kind: 'claim', name: 'team' });
  assert.equal(byClaim.keyOf(subject(), { ...toPlainConsumer('alice', []), claims: { team: 'blue' } }), 'blue');
  assert.equal(byClaim.keyOf(subject(), { ...toPlainConsumer('alice', []), claims: { team: '' } }), undefined);
  assert.equal(byClaim.keyOf(subject(), undefined), undefined);
  const byHeader = split({ a: 1 }, { kind: 'header', name: 'x-account' });
  assert.equal(byHeader.keyOf(subject('x-account', '7'), undefined), '7');
  assert.equal(byHeader.keyOf(subject('x-account', ''), undefined), undefined);
  assert.equal(byHeader.keyOf(subject('x-other', '7'), undefined), undefined);
  const byCookie = split({ a: 1 }, { kind: 'cookie', name: 'release' });
  assert.equal(byCookie.keyOf(subject('cookie', 'a=1; release=77; b=2'), undefined), '77');
  assert.equal(byCookie.keyOf(subject('cookie', 'a=1', 'cookie', 'release="7%207"'), undefined), '7 7');
  assert.equal(byCookie.keyOf(subject('cookie', 'prerelease=1; release; Release=2'), undefined), undefined);
  assert.equal(byCookie.keyOf(subject('cookie', 'release='), undefined), undefined);
});
