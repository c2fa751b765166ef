import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findDefaultFile } from './default-file.ts';

function findAmong(...names: string[]): string | undefined {
  return findDefaultFile('/shop', (path) => names.includes(path));
}

test('prefers a program, then YAML, then JSON', () => {
  assert.equal(
    findAmong('/shop/gatehouse.json', '/shop/gatehouse.yml', '/shop/gatehouse.yaml', '/shop/gatehouse.config.ts'),
    'gatehouse.config.ts',
  );
  assert.equal(findAmong('/shop/gatehouse.json', '/shop/gatehouse.yml', '/shop/gatehouse.yaml'), 'gatehouse.yaml');
  assert.equal(findAmong('/shop/gatehouse.json', '/shop/gatehouse.yml'), 'gatehouse.yml');
  assert.equal(findAmong('/shop/gatehouse.json'), 'gatehouse.json');
});

test('finds nothing where there is nothing', () => assert.equal(findAmong('/gatehouse.yaml'), undefined));
