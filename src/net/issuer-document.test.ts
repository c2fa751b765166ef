import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchIssuerDocument, readTrustedUrl } from './issuer-document.ts';

const ISSUER = 'https://login.example.com/realms/shop/';
const OPENID = 'https://login.example.com/realms/shop/.well-known/openid-configuration';
const OAUTH = 'https://login.example.com/.well-known/oauth-authorization-server/realms/shop';

/** An issuer that answers so at some addresses. */
function createIssuer(answers: Readonly<Record<string, { status?: number; text?: string }>>) {
  const asked: string[] = [];
  const ask = async (url: string) => {
    asked.push(url);
    return { status: 200, headers: {}, text: JSON.stringify({ issuer: ISSUER }), ...(answers[url] ?? { status: 404 }) };
  };
  return { asked, ask };
}

test('asks for the document of OpenID Connect, and for that of OAuth where there is none', async () => {
  const openid = createIssuer({ [OPENID]: {} });
  assert.deepEqual(await fetchIssuerDocument(ISSUER, openid.ask), { issuer: ISSUER });
  assert.deepEqual(openid.asked, [OPENID]);
  const oauth = createIssuer({ [OAUTH]: {} });
  assert.deepEqual(await fetchIssuerDocument(ISSUER, oauth.ask), { issuer: ISSUER });
  assert.deepEqual(oauth.asked, [OPENID, OAUTH]);
});

test('says why there is no document', async () => {
  for (const [answer, reason] of [
    [{ status: 404 }, `${OAUTH} answers with 404`],
    [{ status: 500 }, `${OPENID} answers with 500`],
    [{ text: 'hidden' }, `${OPENID} answers with no map of JSON`],
    [
      { text: '{"issuer":"https://login.example.com"}' },
      `${OPENID} is of the issuer "https://login.example.com", not "${ISSUER}"`,
    ],
    [{ text: '{}' }, `${OPENID} is of the issuer undefined, not "${ISSUER}"`],
  ] as const)
    assert.equal(await fetchIssuerDocument(ISSUER, createIssuer({ [OPENID]: answer }).ask), reason);
});

test('believes an address over http only of an issuer that is asked over http', () => {
  const url = 'https://login.example.com/token';
  assert.equal(readTrustedUrl({ issuer: ISSUER, token_endpoint: url }, 'token_endpoint'), url);
  assert.equal(readTrustedUrl({ issuer: 'http://a', token_endpoint: 'http://a/t' }, 'token_endpoint'), 'http://a/t');
  for (const written of [undefined, 7, 'token', 'http://login.example.com/token', 'file:///etc/passwd'])
    assert.equal(readTrustedUrl({ issuer: ISSUER, token_endpoint: written }, 'token_endpoint'), undefined);
});
