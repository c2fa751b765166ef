import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTokenAnswer } from './token-answer.ts';

const answer = (body: unknown, status = 200) => ({
  status,
  headers: {},
  text: typeof body === 'string' ? body : JSON.stringify(body),
});
const good = { access_token: 'hidden-token', token_type: 'Bearer', expires_in: 60 };
const DAY_MS = 86_400_000;

for (const [what, body, lifetimeMs] of [
  ['60 seconds', good, 60_000],
  ['a type in lower case', { ...good, token_type: 'bearer' }, 60_000],
  ['no type', { ...good, token_type: undefined }, 60_000],
  ['a number as text', { ...good, expires_in: '60' }, 60_000],
  ['a part of a second', { ...good, expires_in: 0.5 }, 500],
  ['no time', { ...good, expires_in: undefined }, 300_000],
  ['an empty time', { ...good, expires_in: null }, 300_000],
  ['a day', { ...good, expires_in: 86_400 }, DAY_MS],
  ['more than a day', { ...good, expires_in: 86_401 }, DAY_MS],
  ['more than there is', { ...good, expires_in: 1e300 }, DAY_MS],
] as const) {
  test(`takes a token with ${what}`, () => {
    assert.deepEqual(readTokenAnswer(answer(body)), { text: 'hidden-token', lifetimeMs });
  });
}

for (const [reason, given] of [
  ['status 401, invalid_client', answer({ error: 'invalid_client', error_description: 'hidden' }, 401)],
  ['status 400', answer({ error: 'hid\nden' }, 400)],
  ['status 400', answer({ error: 'x'.repeat(101) }, 400)],
  ['status 500', answer('<html>hidden</html>', 500)],
  ['status 302', answer(good, 302)],
  ['status 201', answer(good, 201)],
  ['the answer is no JSON object', answer('')],
  ['the answer is no JSON object', answer('hidden')],
  ['the answer is no JSON object', answer([good])],
  ['the answer is no JSON object', answer('null')],
  ['the answer has no `access_token`', answer({ ...good, access_token: undefined })],
  ['the answer has no `access_token`', answer({ ...good, access_token: '' })],
  ['the answer has no `access_token`', answer({ ...good, access_token: { hidden: 1 } })],
  ['the answer has no `access_token`', answer('{"__proto__":{"access_token":"hidden"}}')],
  ['the token is longer than 16384 characters', answer({ ...good, access_token: 'x'.repeat(16_385) })],
  ['the token has characters that no header field can hold', answer({ ...good, access_token: 'hidden\r\nx-evil: 1' })],
  ['the token has characters that no header field can hold', answer({ ...good, access_token: 'hid den' })],
  ['the token has characters that no header field can hold', answer({ ...good, access_token: 'hidd\u00e9n' })],
  ['the token is none of type `Bearer`', answer({ ...good, token_type: 'mac' })],
  ['the token is none of type `Bearer`', answer({ ...good, token_type: 1 })],
  ['`expires_in` is no number of seconds above 0', answer({ ...good, expires_in: 0 })],
  ['`expires_in` is no number of seconds above 0', answer({ ...good, expires_in: -1 })],
  ['`expires_in` is no number of seconds above 0', answer({ ...good, expires_in: 'soon' })],
  ['`expires_in` is no number of seconds above 0', answer({ ...good, expires_in: '-60' })],
  ['`expires_in` is no number of seconds above 0', answer({ ...good, expires_in: [60] })],
] as const) {
  test(`refuses ${JSON.stringify(given).slice(0, 90)}`, () => {
    assert.equal(readTokenAnswer(given), reason);
  });
}

test('the longest token is taken', () => {
  const text = 'x'.repeat(16_384);
  assert.deepEqual(readTokenAnswer(answer({ ...good, access_token: text })), { text, lifetimeMs: 60_000 });
});
