import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '#base/secret.ts';
import { Sealer } from './sealer.ts';

const first = new Secret('the first secret, which is long enough');
const second = new Secret('the second secret, which is long enough');

test('opens what it sealed, and never seals the same alike', () => {
  const sealer = new Sealer([first], 'a');
  for (const text of ['x', 'gr\u00fc\u00dfe \u{1f512}', 'y'.repeat(10_000)]) {
    const sealed = sealer.seal(text, 'here');
    assert.match(sealed, /^[\w-]+$/);
    assert.equal(sealer.open(sealed, 'here'), text);
    assert.notEqual(sealer.seal(text, 'here'), sealed);
  }
});

test('opens nothing of another place, scope or secret', () => {
  const sealed = new Sealer([first], 'a').seal('text', 'here');
  assert.equal(new Sealer([first], 'a').open(sealed, 'there'), undefined);
  assert.equal(new Sealer([first], 'b').open(sealed, 'here'), undefined);
  assert.equal(new Sealer([second], 'a').open(sealed, 'here'), undefined);
  assert.equal(new Sealer([second, first], 'a').open(sealed, 'here'), 'text');
});

test('opens nothing that was changed, anywhere', () => {
  const sealer = new Sealer([first], 'a');
  const bytes = Buffer.from(sealer.seal('text', 'here'), 'base64url');
  for (let i = 0; i < bytes.length; i++) {
    const changed = Buffer.from(bytes);
    changed[i] = changed[i]! ^ 1;
    assert.equal(sealer.open(changed.toString('base64url'), 'here'), undefined, `byte ${i}`);
    assert.equal(sealer.open(bytes.subarray(0, i).toString('base64url'), 'here'), undefined, `up to byte ${i}`);
  }
  for (const text of ['', '=', 'a b', '\u0000', 'a'.repeat(100)]) assert.equal(sealer.open(text, 'here'), undefined);
});
