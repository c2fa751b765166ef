import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { Readable } from 'node:stream';
import { test } from 'node:test';
import { derivePasswordHash, parsePasswordHash } from '#base/password-hash.ts';
import { runCommand } from '#test/support/command.ts';
import { runHashPassword } from './hash-password.ts';

const hash = (...pieces: string[]) =>
  runCommand((args, io) => runHashPassword(args, io, Readable.from(pieces.map((piece) => Buffer.from(piece)))), [], tmpdir());

test('prints a hash of the password that can be verified', async () => {
  const { status, stdout, stderr } = await hash('corréct ', 'horse\n');
  assert.deepEqual([status, stderr], [0, '']);
  const parsed = parsePasswordHash(stdout.trimEnd());
  assert.ok(typeof parsed !== 'string');
  assert.deepEqual(await derivePasswordHash('corréct horse', parsed), parsed.hash);
  assert.notEqual((await hash('corréct horse')).stdout, stdout);
});

test('refuses what no client could send', async () => {
  for (const [text, problem] of [
    ['', /is empty/],
    ['\n', /is empty/],
    ['a\nb', /control characters/],
    ['a'.repeat(513), /too long/],
    ['a'.repeat(600), /too long/],
  ] as const) {
    const { status, stdout, stderr } = await hash(text);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, problem);
  }
  assert.equal((await hash(`${'a'.repeat(512)}\r\n`)).status, 0);
});
