/** Tokens that somebody has made to get in. Each is refused, with the same answer, and nothing of it is asked of the issuer. */
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { test } from 'node:test';
import { EncryptJWT, exportSPKI, importJWK, SignJWT } from 'jose';
import { reasonOf, setUpTokens } from '#test/support/jwt-bench.ts';
import { makeKeyPair, TestIssuer } from '#test/support/jwt-issuer.ts';

const elliptic = await makeKeyPair('ec');
const rsa = await makeKeyPair('rsa', 'RS256');
const edwards = await makeKeyPair('ed', 'EdDSA');
const attacker = await makeKeyPair('ec');
const NOW = 1_935_832_397;

const encode = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
const claims = { iss: 'https://login.example.com/', sub: 'ann', aud: 'shop', iat: NOW, exp: NOW + 300 };
const body = encode(claims);

/** Signs any text as if it were a token. */
function signText(input: string): string {
  const key = keyObject;
  return `${input}.${signBytes('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const { KeyObject } = await import('node:crypto');
const keyObject = KeyObject.from(elliptic.privateKey);
const header = { alg: 'ES256', kid: 'ec' };
const rsaPem = await exportSPKI((await importJWK(rsa.publicJwk, 'RS256', { extractable: true })) as CryptoKey);
const hmac = (input: string, secret: string) => `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
const good = signText(`${encode(header)}.${body}`);
const [goodHeader, , goodSignature] = good.split('.') as [string, string, string];
const embed = (extra: object) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'ec', ...extra } as never).sign(attacker.privateKey);

const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
const wrongCurveInput = `${encode({ alg: 'ES384', kid: 'ec' })}.${body}`;

const attacks: readonly (readonly [what: string, token: string, reason: string])[] = [
  ...['none', 'None', 'NONE', 'nOnE', ' none', 'none\u0000', ''].map(
    (alg) => [`the algorithm ${JSON.stringify(alg)} without a signature`, `${encode({ alg })}.${body}.`, 'not signed'] as const,
  ),
  ...['none', 'None', 'NONE', 'nOnE', ''].map(
    (alg) =>
      [
        `the algorithm ${JSON.stringify(alg)} with a signature`,
        `${encode({ ...header, alg })}.${body}.${goodSignature}`,
        'algorithm',
      ] as const,
  ),
  ['no algorithm', `${encode({ kid: 'ec' })}.${body}.${goodSignature}`, 'algorithm'],
  ['a list of algorithms', `${encode({ ...header, alg: ['ES256'] })}.${body}.${goodSignature}`, 'algorithm'],
  [
    'a public RSA key in PEM form as the secret of HS256',
    hmac(`${encode({ alg: 'HS256', kid: 'rsa' })}.${body}`, rsaPem),
    'algorithm',
  ],
  [
    'a public RSA key as JSON as the secret of HS256',
    hmac(`${encode({ alg: 'HS256', kid: 'rsa' })}.${body}`, JSON.stringify(rsa.publicJwk)),
    'algorithm',
  ],
  ['an empty secret', hmac(`${encode({ alg: 'HS256' })}.${body}`, ''), 'algorithm'],
  ['a key of its own in `jwk`', await embed({ jwk: attacker.publicJwk }), 'signature'],
  ['an address of keys in `jku`', await embed({ jku: 'https://evil.example.com/keys' }), 'signature'],
  ['an address of certificates in `x5u`', await embed({ x5u: 'https://evil.example.com/chain.pem' }), 'signature'],
  ['a certificate in `x5c`', await embed({ x5c: ['MIIB'] }), 'signature'],
  ['a key of its own under a known name', await embed({}), 'signature'],
  ...['../../dev/null', "' OR 1=1 --", '__proto__', 'constructor', '/etc/passwd\u0000', 'k'.repeat(5_000)].map(
    (kid) =>
      [`the key name ${JSON.stringify(kid.slice(0, 20))}`, signText(`${encode({ alg: 'ES256', kid })}.${body}`), 'key'] as const,
  ),
  ['a key name that is no text', signText(`${encode({ alg: 'ES256', kid: ['ec'] })}.${body}`), 'header'],
  ['the name of a key of another kind', signText(`${encode({ alg: 'ES256', kid: 'rsa' })}.${body}`), 'key'],
  ['the name of a key for another algorithm', `${encode({ alg: 'PS256', kid: 'rsa' })}.${body}.${goodSignature}`, 'key'],
  [
    'an algorithm whose curve the key has not',
    `${wrongCurveInput}.${signBytes('sha384', Buffer.from(wrongCurveInput), { key: p384, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`,
    'key',
  ],
  ['a signature of zeros', `${goodHeader}.${body}.${Buffer.alloc(64).toString('base64url')}`, 'signature'],
  [
    'a signature in another encoding',
    `${goodHeader}.${body}.${signBytes('sha256', Buffer.from(`${goodHeader}.${body}`), keyObject).toString('base64url')}`,
    'signature',
  ],
  ['a signature of something else', `${goodHeader}.${encode({ ...claims, sub: 'root' })}.${goodSignature}`, 'signature'],
  ['a signature that is cut off', good.slice(0, -6), 'signature'],
  ['extensions that must be understood', signText(`${encode({ ...header, crit: ['exp'], exp: 1 })}.${body}`), 'extension'],
  ['no extensions that must be understood', signText(`${encode({ ...header, crit: [] })}.${body}`), 'extension'],
  ['a body that is not encoded', signText(`${encode({ ...header, b64: false, crit: ['b64'] })}.${body}`), 'extension'],
  ['a body that is not encoded, unannounced', signText(`${encode({ ...header, b64: false })}.${body}`), 'extension'],
  ['another type of token', signText(`${encode({ ...header, typ: 'logout+jwt' })}.${body}`), 'type'],
  ['a type that is no text', signText(`${encode({ ...header, typ: 7 })}.${body}`), 'type'],
  ['a claim twice', signText(`${goodHeader}.${encode(JSON.stringify(claims).replace('{', '{"sub":"root",'))}`), 'claims'],
  [
    'a claim twice, written differently',
    signText(`${goodHeader}.${encode(JSON.stringify(claims).replace('{', '{"s\\u0075b":"root",'))}`),
    'claims',
  ],
  [
    'a claim twice further down',
    signText(`${goodHeader}.${encode(JSON.stringify(claims).replace('{', '{"a":[{"b":1,"b":2}],'))}`),
    'claims',
  ],
  ['a field of its header twice', signText(`${encode('{"alg":"none","alg":"ES256","kid":"ec"}')}.${body}`), 'header'],
  ['a list in the place of claims', signText(`${goodHeader}.${encode([claims])}`), 'claims'],
  ['a text in the place of claims', signText(`${goodHeader}.${encode('"claims"')}`), 'claims'],
  ['another token inside', signText(`${encode({ ...header, cty: 'JWT' })}.${encode(good)}`), 'claims'],
  ['claims without end', signText(`${goodHeader}.${encode(`{"a":${'['.repeat(3_000)}${']'.repeat(3_000)}}`)}`), 'claims'],
  [
    'claims that are no text',
    signText(
      `${goodHeader}.${Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]).toString('base64url')}`,
    ),
    'claims',
  ],
  [
    'encrypted claims',
    await new EncryptJWT(claims).setProtectedHeader({ alg: 'dir', enc: 'A256GCM' }).encrypt(new Uint8Array(32)),
    'encrypted',
  ],
  ['two parts', `${goodHeader}.${body}`, 'not a token'],
  ['four parts', `${good}.AAAA`, 'not a token'],
  [
    'JSON in the place of the compact form',
    JSON.stringify({ payload: body, protected: goodHeader, signature: goodSignature }),
    'not a token',
  ],
  ['padding', `${good}==`, 'encoding'],
  ['bits behind the end', `${good.slice(0, -1)}${nextLetter(good.at(-1)!)}`, 'encoding'],
  ['the alphabet of other encodings', `${goodHeader}.${body}.${Buffer.alloc(64, 0xfb).toString('base64')}`, 'encoding'],
  ['spaces inside', `${goodHeader}. ${body}.${goodSignature}`, 'encoding'],
  ['more than anybody signs', signText(`${goodHeader}.${encode({ ...claims, more: 'x'.repeat(16_384) })}`), 'too long'],
  ['another issuer', signText(`${goodHeader}.${encode({ ...claims, iss: 'https://evil.example.com/' })}`), 'issuer'],
  [
    'the issuer without its slash',
    signText(`${goodHeader}.${encode({ ...claims, iss: 'https://login.example.com' })}`),
    'issuer',
  ],
  ['a list of issuers', signText(`${goodHeader}.${encode({ ...claims, iss: [claims.iss] })}`), 'issuer'],
  ['no issuer', signText(`${goodHeader}.${encode({ ...claims, iss: undefined })}`), 'issuer'],
  ['another audience', signText(`${goodHeader}.${encode({ ...claims, aud: 'shop2' })}`), 'claim aud'],
  ['part of an audience', signText(`${goodHeader}.${encode({ ...claims, aud: 'shop shop2' })}`), 'claim aud'],
  ['no audience', signText(`${goodHeader}.${encode({ ...claims, aud: undefined })}`), 'claim aud'],
  ['an end that is a text', signText(`${goodHeader}.${encode({ ...claims, exp: '9999999999' })}`), 'claim exp'],
  ['no subject', signText(`${goodHeader}.${encode({ ...claims, sub: undefined })}`), 'subject'],
  ['a subject that would be two fields', signText(`${goodHeader}.${encode({ ...claims, sub: 'ann\r\nx-admin: 1' })}`), 'subject'],
];

/** The next one that decodes to the same bytes. */
function nextLetter(letter: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(letter) ^ 1]!;
}

async function setUp() {
  const issuer = new TestIssuer([elliptic, rsa, edwards]);
  const bench = await setUpTokens(elliptic, {}, { issuer });
  bench.clock.jumpWallTo(NOW * 1_000);
  return bench;
}

test('the nearest tokens that are as they should be get in', async () => {
  const { show, sign } = await setUp();
  for (const token of [
    good,
    await sign({}, { key: rsa }),
    await sign({}, { key: edwards }),
    signText(`${encode({ ...header, typ: 'AT+JWT' })}.${body}`),
    signText(`${encode({ ...header, typ: 'application/at+jwt' })}.${body}`),
    signText(`${goodHeader}.${encode(JSON.stringify(claims).replace('{', '{"a:b":"\\":{","c":{"sub":1},'))}`),
    signText(`${goodHeader}.${encode({ ...claims, more: 'x'.repeat(8_000) })}`),
  ])
    assert.equal((await show(token)).status, 200, token.slice(0, 300));
});

test('whatever is wrong with a token, the answer is the same, the log says what, and nobody is asked', async () => {
  const { bench, show, issuer } = await setUp();
  assert.equal((await show(good)).status, 200);
  const asked = issuer.asked.length;
  const answers = new Set<string>();
  for (const [what, token, reason] of attacks) {
    const answer = await show(token);
    assert.deepEqual([answer.status, reasonOf(answer)], [401, reason], what);
    assert.deepEqual(answer.values('www-authenticate'), ['Bearer realm="gatehouse", error="invalid_token"']);
    assert.equal(answer.exchange.consumer, undefined);
    assert.equal(JSON.stringify(answer.exchange.error?.detail).includes(token), false);
    answers.add(answer.text);
  }
  assert.equal(answers.size, 1);
  assert.equal(issuer.asked.length, asked);
  assert.equal(bench.seen.length, 1);
  assert.equal((await show(good)).status, 200);
});

test('what is remembered of a token is not found by another one', async () => {
  const { show } = await setUp();
  assert.equal((await show(good)).status, 200);
  for (const token of [`${good}A`, good.slice(1), good.toUpperCase(), `${good}.`, `x${good}`])
    assert.equal((await show(token)).status, 401);
});

test('a key that is too short, or for another curve than it says, checks nothing', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 1_024 });
  const input = `${encode({ alg: 'RS256', kid: 'short' })}.${body}`;
  const token = `${input}.${signBytes('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
  const bad = { ...elliptic.publicJwk, kid: 'bad', x: 'AAAA' };
  const keys = [{ ...publicKey.export({ format: 'jwk' }), kid: 'short' }, bad];
  const { show, clock } = await setUpTokens(elliptic, { jwks: { keys } });
  clock.jumpWallTo(NOW * 1_000);
  assert.equal(reasonOf(await show(token)), 'key');
  const other = signText(`${encode({ alg: 'ES256', kid: 'bad' })}.${body}`);
  assert.equal((await show(other)).status, 401);
});
