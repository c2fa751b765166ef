import assert from 'node:assert/strict';
import test from 'node:test';
import { getField } from '#wire/fields/field-list.ts';
import { formatHashKey, type HashKey, type KeyedExchange, readHashKey } from './hash-key.ts';

const fields = ['x-user', 'ann', 'x-empty', '', 'cookie', 'a=1; session=s-7'];
const exchange: KeyedExchange = {
  request: { fields, query: 'user=b%20c&empty=' },
  captureNames: ['shop', 'id'],
  captures: ['north', '4711'],
  consumer: { claims: { team: 'blue', empty: '', org: { id: 7 } }, name: 'alice' },
  field: (name) => getField(fields, name),
};

const keys: readonly [key: HashKey, value: string | undefined][] = [
  [{ kind: 'ip' }, '192.0.2.7'],
  [{ kind: 'consumer' }, 'alice'],
  [{ kind: 'header', name: 'x-user' }, 'ann'],
  [{ kind: 'header', name: 'x-empty' }, undefined],
  [{ kind: 'header', name: 'x-none' }, undefined],
  [{ kind: 'cookie', name: 'session' }, 's-7'],
  [{ kind: 'cookie', name: 'none' }, undefined],
  [{ kind: 'path', name: 'id' }, '4711'],
  [{ kind: 'path', name: 'none' }, undefined],
  [{ kind: 'query', name: 'user' }, 'b%20c'],
  [{ kind: 'query', name: 'empty' }, undefined],
  [{ kind: 'query', name: 'none' }, undefined],
  [{ kind: 'claim', name: 'team' }, 'blue'],
  [{ kind: 'claim', name: 'org.id' }, '7'],
  [{ kind: 'claim', name: 'empty' }, undefined],
  [{ kind: 'claim', name: 'none' }, undefined],
];

for (const [key, value] of keys) {
  test(`${formatHashKey(key)} is ${value ?? 'nothing'}`, () => {
    assert.equal(readHashKey(key, { clientAddress: '192.0.2.7', exchange }), value);
  });
}

test('nobody has found out who asks', () => {
  const subject = { clientAddress: '192.0.2.7', exchange: { ...exchange, consumer: undefined } };
  assert.equal(readHashKey({ kind: 'consumer' }, subject), undefined);
  assert.equal(readHashKey({ kind: 'claim', name: 'team' }, subject), undefined);
});

test('bytes that nobody reads have nothing but an address', () => {
  for (const [key] of keys)
    assert.equal(
      readHashKey(key, { clientAddress: '192.0.2.7', exchange: undefined }),
      key.kind === 'ip' ? '192.0.2.7' : undefined,
    );
});
