import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ResolvedValue, resolveReferences } from './references.ts';

const FILES: Readonly<Record<string, string>> = { '/etc/gatehouse/secret': 'top\n', '/run/key': 'line 1\nline 2\r\n' };

async function resolve(value: unknown, env: Readonly<Record<string, string>> = {}): Promise<ResolvedValue> {
  return resolveReferences(value, {
    env,
    folder: '/etc/gatehouse',
    readFile: async (path) => {
      const text = FILES[path];
      if (text === undefined) throw Object.assign(new Error('missing'), { code: 'ENOENT' });
      return text;
    },
  });
}

const ENV = { HOST: 'orders', PORT: '3000', EMPTY: '' };

const resolved: Readonly<Record<string, string>> = {
  'http://${env:HOST}:${env:PORT}': 'http://orders:3000',
  '${env:NONE:-fallback}': 'fallback',
  '${env:HOST:-fallback}': 'orders',
  '${env:EMPTY:-fallback}': 'fallback',
  '${env:EMPTY}': '',
  '${env:NONE:-}': '',
  '${env:NONE:-http://a:1}': 'http://a:1',
  '${file:secret}': 'top',
  '${file:/run/key}': 'line 1\nline 2',
  '$${env:HOST}': '${env:HOST}',
  '$${env:HOST} ${env:HOST}': '${env:HOST} orders',
  '${path.id}': '${path.id}',
  '$${path.id}': '$${path.id}',
  'costs $5': 'costs $5',
};

for (const [written, text] of Object.entries(resolved)) {
  test(`resolves ${written}`, async () => {
    const { value, findings } = await resolve({ a: [written] }, ENV);
    assert.deepEqual({ value, findings }, { value: { a: [text] }, findings: [] });
  });
}

const refused: Readonly<Record<string, string>> = {
  '${env:NONE}': 'the environment variable `NONE` is not set; set it, or give a default: `${env:NONE:-default}`',
  '${env:toString}': 'the environment variable `toString` is not set; set it, or give a default: `${env:toString:-default}`',
  '${env:}': '"" is not the name of an environment variable; write `${env:NAME}` or `${env:NAME:-default}`',
  '${env:A-B}': '"A-B" is not the name of an environment variable; write `${env:NAME}` or `${env:NAME:-default}`',
  '${file:}': 'the path is missing; write `${file:PATH}`',
  '${file:nowhere}': 'the file "/etc/gatehouse/nowhere" cannot be read: there is no such file',
  '${env:HOST': '"${env:HOST" has no closing `}`',
  '${evn:HOST}':
    'unknown reference "${evn:HOST}"; did you mean `env`? write `${env:NAME}` or `${file:PATH}`, or `$${` for the characters themselves',
};

for (const [written, message] of Object.entries(refused)) {
  test(`says what is wrong with ${written}`, async () => {
    const { findings } = await resolve({ a: [written] }, ENV);
    assert.deepEqual(findings, [{ path: ['a', 0], code: 'unresolved-reference', message }]);
  });
}

test('leaves everything else as it is, and the original untouched', async () => {
  const original = { a: 1, b: [true, null, { c: '${env:HOST}' }], d: new Date(0) };
  const { value } = await resolve(original, ENV);
  assert.deepEqual(value, { a: 1, b: [true, null, { c: 'orders' }], d: new Date(0) });
  assert.equal((original.b[2] as { c: string }).c, '${env:HOST}');
});

test('names every file that it asked for, once', async () => {
  const { files } = await resolve(['${file:secret}', '${file:secret}', '${file:gone}']);
  assert.deepEqual(files, ['/etc/gatehouse/secret', '/etc/gatehouse/gone']);
});

test('does not read references inside of what a reference stands for', async () => {
  const { value } = await resolve('${env:A}', { A: '${env:B}', B: 'no' });
  assert.equal(value, '${env:B}');
});
