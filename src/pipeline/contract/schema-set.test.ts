import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { readContracts } from '#test/support/contracts.ts';
import { patternLibrary } from '../expression/pattern-library.ts';
import { tooManySteps } from './check-result.ts';
import { toContractKey } from './contract.ts';
import { ContractImage } from './contract-image.ts';
import { toViolations } from './faults-to-violations.ts';
import { schemaLibrary } from './schema-library.ts';
import { type SchemaForm, SchemaSet } from './schema-set.ts';

before(async () => {
  await schemaLibrary.load();
  await patternLibrary.load();
});

async function check(schema: object, value: unknown, form: Partial<SchemaForm> = {}): Promise<unknown> {
  const source = { form: 'inline', text: JSON.stringify(schema), patterns: 'skip' } as const;
  const image = new ContractImage((await readContracts(source))[toContractKey(source)]!);
  const { use } = image.index.root!;
  const schemas = new SchemaSet(image, { direction: 'request', isClosed: false, ...form }, systemClock);
  await schemas.prepare(use);
  const sizeBytes = JSON.stringify(value).length;
  const verdict = schemas.isValid(use, value, sizeBytes);
  if (verdict === true) return 'valid';
  if (verdict === tooManySteps) return 'too many steps';
  const violations = toViolations(await schemas.listFaults(use, value, sizeBytes), 'body', '');
  return violations.map(({ pointer, keyword }) => `${pointer} ${keyword}`);
}

const item = {
  type: 'object',
  required: ['id', 'name'],
  properties: { id: { type: 'integer', readOnly: true }, name: { type: 'string' }, secret: { type: 'string', writeOnly: true } },
};

test('all faults are listed, those of an object at the property that is missing or too much', async () => {
  const schema = {
    type: 'object',
    additionalProperties: false,
    required: ['a', 'b/c'],
    properties: { a: { type: 'integer' }, 'b/c': {} },
  };
  assert.deepEqual(await check(schema, { a: 'x', '~': 1 }), ['/b~1c required', '/~0 additionalProperties', '/a type']);
});

test('what belongs to answers need not be in requests, and the other way round', async () => {
  const schema = { ...item, required: ['id', 'name', 'secret'] };
  assert.equal(await check(schema, { name: 'a', secret: 'b' }), 'valid');
  assert.deepEqual(await check(schema, { name: 'a' }), ['/secret required']);
  assert.equal(await check(schema, { id: 1, name: 'a' }, { direction: 'answer' }), 'valid');
  assert.deepEqual(await check(schema, { id: 1, name: 'a', secret: 'b' }, { direction: 'answer' }), ['/secret false']);
});

describe('where nothing undeclared is allowed', () => {
  const closed = { isClosed: true };
  test('a property that no schema of the object names is a fault', async () => {
    assert.deepEqual(await check(item, { name: 'a', x: 1 }, closed), ['/x additionalProperties']);
    assert.deepEqual(await check(item, { name: 'a', id: 1 }, closed), ['/id false']);
    assert.equal(await check(item, { name: 'a', x: 1 }), 'valid');
  });

  test('schemas that ask the same object for more name its properties too', async () => {
    const schema = {
      $defs: { base: { properties: { kind: { type: 'string' } } } },
      allOf: [{ $ref: '#/$defs/base' }, { properties: { size: { type: 'integer' } } }],
      anyOf: [{ properties: { a: {} } }, { properties: { b: {} } }],
    };
    assert.equal(await check(schema, { kind: 'x', size: 1, a: 1, b: 2 }, closed), 'valid');
    assert.deepEqual(await check(schema, { kind: 1, other: 2 }, closed), ['/kind type', '/other additionalProperties']);
  });

  test('objects inside are closed too, and those that allow others are not', async () => {
    const schema = {
      type: 'object',
      properties: {
        inner: { $ref: '#/$defs/inner' },
        free: { type: 'object' },
        open: { properties: { a: {} }, additionalProperties: true },
      },
      $defs: { inner: { properties: { a: {} } } },
    };
    assert.equal(await check(schema, { inner: { a: 1 }, free: { x: 1 }, open: { x: 1 } }, closed), 'valid');
    assert.deepEqual(await check(schema, { inner: { x: 1 } }, closed), ['/inner/x additionalProperties']);
  });
});

test('names that every object of the language has are properties like others', async () => {
  const schema = { type: 'object', required: ['constructor', 'toString'], properties: { constructor: { type: 'integer' } } };
  assert.deepEqual(await check(schema, { constructor: 1 }), ['/toString required']);
});

test('equal items are found, however they are written', async () => {
  const schema = { type: 'array', uniqueItems: true };
  assert.deepEqual(
    await check(schema, [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ]),
    [' uniqueItems'],
  );
  assert.equal(await check(schema, [1, '1', [1], { 1: 1 }, true, null]), 'valid');
});

test('schemas that use each other are compiled, and those that ask what others have looked at too', async () => {
  for (const more of [{}, { unevaluatedProperties: false }])
    assert.deepEqual(await checkTree(more), ['/next/leaf/of/leaf/n type']);
});

function checkTree(more: object): Promise<unknown> {
  const schema = {
    $defs: {
      tree: { type: 'object', properties: { leaf: { $ref: '#/$defs/leaf' }, next: { $ref: '#/$defs/tree' } } },
      leaf: { type: 'object', properties: { of: { $ref: '#/$defs/tree' }, n: { type: 'integer' } } },
    },
    $ref: '#/$defs/tree',
    ...more,
  };
  return check(schema, { next: { leaf: { of: { leaf: { n: 'x' } } } } });
}

describe('a value that is made to cost much', () => {
  test('alternatives that refer to themselves end at the limit of steps', async () => {
    const node = (name: string) => ({
      type: 'object',
      properties: { next: { $ref: '#/$defs/node' }, kind: { const: name } },
      required: ['kind'],
    });
    const schema = { $defs: { node: { anyOf: [node('a'), node('b')] } }, $ref: '#/$defs/node' };
    let value: object = { kind: 'c' };
    for (let depth = 0; depth < 60; depth++) value = { next: value, kind: 'c' };
    assert.equal(await check(schema, value), 'too many steps');
    assert.equal(await check(schema, { next: { kind: 'b' }, kind: 'a' }), 'valid');
  });

  test('a schema that asks itself ends too', async () => {
    assert.equal(await check({ $defs: { a: { allOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }, 1), 'too many steps');
  });

  test('of more faults than can be listed, the first one is', async () => {
    const schema = { type: 'array', items: { $ref: '#/$defs/item' }, $defs: { item: { type: 'object', required: ['a'] } } };
    assert.deepEqual(
      await check(
        schema,
        Array.from({ length: 100_000 }, () => ({})),
      ),
      ['/0/a required'],
    );
  });

  test('a pattern that is to be skipped lets everything pass', async () => {
    assert.equal(await check({ type: 'string', pattern: '^(?=.*\\d)a$' }, 'b'), 'valid');
  });
});
