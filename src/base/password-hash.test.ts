import assert from 'node:assert/strict';
import { test } from 'node:test';
import { derivePasswordHash, formatScryptHash, parsePasswordHash } from './password-hash.ts';

const SALT = 'c2FsdHNhbHRzYWx0';
const HASH = 'aGFzaGhhc2hoYXNoaGFzaA';

test('reads what it writes', () => {
  const salt = Buffer.alloc(16, 1);
  const hash = Buffer.alloc(32, 2);
  assert.deepEqual(parsePasswordHash(formatScryptHash({ salt, hash })), {
    kind: 'scrypt',
    cost: 2 ** 14,
    blockSize: 8,
    parallelism: 5,
    salt,
    hash,
  });
});

test('derives the hashes of the standards', async () => {
  const scrypt = parsePasswordHash(
    `$scrypt$ln=10,r=8,p=16$${Buffer.from('NaClNaCl').toString('base64').replace(/=+$/, '')}$${Buffer.alloc(64).toString('base64').replace(/=+$/, '')}`,
  );
  assert.ok(typeof scrypt !== 'string');
  // RFC 7914 §12, the second vector, whose salt is shorter than any that is taken from a text.
  const vector = await derivePasswordHash('password', { ...scrypt, salt: Buffer.from('NaCl') });
  assert.equal(vector.toString('hex').slice(0, 32), 'fdbabe1c9d3472007856e7190d01e9fe');
});

test('derives Argon2 as other programs do', async () => {
  // Of the reference implementation: argon2 somesalt -t 2 -m 8 -p 1 -l 24, version 19.
  const argon2 = parsePasswordHash('$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4');
  assert.ok(typeof argon2 !== 'string');
  assert.deepEqual(await derivePasswordHash('password', argon2), argon2.hash);
});

test('refuses hashes that are none, too weak, or too costly for each verification', () => {
  for (const [text, problem] of [
    ['$scrypt$', /not a PHC string/],
    [`$scrypt$ln=14,r=8,p=1$${SALT}`, /not a PHC string/],
    [`$scrypt$ln=14,r=8$${SALT}$${HASH}`, /`ln`, `r` and `p`/],
    [`$scrypt$ln=14,r=8,q=1$${SALT}$${HASH}`, /`ln`, `r` and `p`/],
    [`$scrypt$ln=14,r=0,p=1$${SALT}$${HASH}`, /`ln`, `r` and `p`/],
    [`$scrypt$ln=9,r=8,p=1$${SALT}$${HASH}`, /too fast/],
    [`$scrypt$ln=18,r=8,p=1$${SALT}$${HASH}`, /cost too much/],
    [`$scrypt$ln=99,r=8,p=1$${SALT}$${HASH}`, /cost too much/],
    [`$scrypt$ln=14,r=8,p=17$${SALT}$${HASH}`, /cost too much/],
    [`$scrypt$ln=14,r=8,p=1$YQ$${HASH}`, /salt has 1 bytes/],
    [`$scrypt$ln=14,r=8,p=1$${SALT}$YQ`, /hash has 1 bytes/],
    [`$argon2id$m=256,t=2,p=1$${SALT}$${HASH}`, /version 19/],
    [`$argon2id$v=16$m=256,t=2,p=1$${SALT}$${HASH}`, /version 19/],
    [`$argon2x$v=19$m=256,t=2,p=1$${SALT}$${HASH}`, /not a PHC string/],
    [`$argon2id$v=19$m=7,t=2,p=1$${SALT}$${HASH}`, /eight times/],
    [`$argon2id$v=19$m=1000000,t=1,p=1$${SALT}$${HASH}`, /cost too much/],
    [`$argon2id$v=19$m=131072,t=5,p=1$${SALT}$${HASH}`, /cost too much/],
  ] as const) {
    const parsed = parsePasswordHash(text);
    assert.match(typeof parsed === 'string' ? parsed : 'taken', problem, text);
  }
  assert.equal(typeof parsePasswordHash(`$scrypt$ln=17,r=8,p=1$${SALT}$${HASH}`), 'object');
  assert.equal(typeof parsePasswordHash(`$argon2i$v=19$m=65536,t=3,p=4$${SALT}$${HASH}`), 'object');
});
