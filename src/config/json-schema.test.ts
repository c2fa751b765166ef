import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rewriteConfig } from '#policies/rewrite/config.ts';
import { createConfigurationJsonSchema } from './json-schema.ts';

type Node = Readonly<Record<string, unknown>>;

const schema = await createConfigurationJsonSchema([
  { name: 'rewrite', summary: 'Changes paths.', loadConfig: async () => rewriteConfig },
]);

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null;
}

function childOf(node: Node, ...keys: readonly string[]): Node {
  let child: unknown = node;
  for (const key of keys) child = isNode(child) ? child[key] : undefined;
  assert.ok(isNode(child), keys.join('.'));
  return child;
}

/** Every property of every map in the schema, with its path. */
function* listProperties(node: Node, path: string): Generator<readonly [string, Node]> {
  const { properties } = node;
  for (const [name, property] of isNode(properties) ? Object.entries(properties) : []) {
    if (isNode(property)) yield [`${path}.${name}`, property];
  }
  for (const [key, inner] of Object.entries(node)) if (isNode(inner)) yield* listProperties(inner, `${path}.${key}`);
}

test('is draft 2020-12 and complete in itself', () => {
  assert.equal(schema['$schema'], 'https://json-schema.org/draft/2020-12/schema');
  assert.ok(!JSON.stringify(schema).includes('"$ref"'));
});

test('describes every key', () => {
  const bare = [...listProperties(schema, '')].filter(([, property]) => property['description'] === undefined);
  assert.deepEqual(
    bare.map(([path]) => path),
    [],
  );
});

test('closes every map with fixed keys', () => {
  const text = JSON.stringify(schema, (_, value: unknown) =>
    isNode(value) && isNode(value['properties']) && value['additionalProperties'] !== false ? 'open' : value,
  );
  assert.ok(!text.includes('"open"'));
});

test('shows defaults as they are written', () => {
  const properties = Object.fromEntries(
    [...listProperties(schema, '')].map(([path, property]) => [path.split('.').at(-1), property]),
  );
  assert.equal(properties['deadline']?.['default'], '30s');
  assert.equal(properties['headBytes']?.['default'], '64KiB');
});

test('asks only for what has no default', () => {
  assert.deepEqual(schema['required'], ['version', 'listeners']);
});

test('lets references stand for patterned text and for numbers', () => {
  assert.deepEqual(childOf(schema, 'properties', 'threads')['type'], ['integer', 'string']);
  const address = childOf(schema, 'properties', 'admin', 'properties', 'address');
  const pattern = new RegExp(String(address['pattern']));
  assert.ok(pattern.test(':8080') && pattern.test('127.0.0.1:${env:PORT:-8080}') && !pattern.test('8080'));
});

test('offers a policy at every level, with its settings or switched off', () => {
  const rewrite = childOf(schema, 'properties', 'policies', 'properties', 'rewrite');
  assert.equal(rewrite['description'], 'Changes paths.');
  assert.deepEqual(childOf(rewrite, 'anyOf', '0'), { type: 'boolean', const: false });
});
