import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toRecordedBody } from './redacted-body.ts';
import { type RedactionRules, Redactor } from './redactor.ts';
import { unpack } from './unpack.ts';

const plain: RedactionRules = { key: Buffer.from('key'), fields: [], parameters: [], places: [], hidesClient: false };
const redactor = new Redactor(plain);

function bodyOf(text: string, type: string, rules: Partial<RedactionRules> = {}, isWhole = true) {
  const bytes = Buffer.from(text);
  return toRecordedBody(
    { bytes, isWhole, lengthBytes: bytes.length },
    ['content-type', type],
    new Redactor({ ...plain, ...rules }),
    unpack,
  );
}

test('the same secret has the same digest, another key makes another one', () => {
  assert.equal(redactor.digest('a'), redactor.digest('a'));
  assert.notEqual(redactor.digest('a'), redactor.digest('b'));
  assert.notEqual(redactor.digest('a'), new Redactor({ ...plain, key: Buffer.from('other') }).digest('a'));
});

test('redacting what is redacted already changes parameters no further than once more, and never shows them', () => {
  const once = redactor.redactTarget('/a?token=abc&page=2');
  assert.match(once, /^\/a\?token=redacted:[0-9a-f]{16}&page=2$/);
  assert.match(redactor.redactTarget(once), /^\/a\?token=redacted:[0-9a-f]{16}&page=2$/);
});

test('names that are no credentials stay', () => {
  for (const target of ['/a?page=2&sort=key', '/a?monkey=1', '/tokens?state=CA', '/a?code=7', '/a?x='])
    assert.equal(redactor.redactTarget(target), target);
  const fields = ['x-idempotency-key', 'abc', 'accept', 'text/html', 'x-request-id', '1', 'if-none-match', '"a"'];
  assert.deepEqual(redactor.redactFields(fields).flat(), fields);
});

test('names are found in any spelling', () => {
  for (const name of [
    'access_token',
    'accessToken',
    'X-Amz-Signature',
    'API-KEY',
    'api%5Fkey',
    'user[password]',
    'client_secret',
    'sid',
  ])
    assert.doesNotMatch(redactor.redactTarget(`/a?${name}=hidden`), /hidden/, name);
  for (const name of ['X-Api-Key', 'x-session-token', 'My-Client-Secret', 'x-auth-token', 'Proxy-Authorization'])
    assert.doesNotMatch(JSON.stringify(redactor.redactFields([name, 'hidden'])), /hidden/, name);
});

test('a token is found wherever an address may have one', () => {
  const hidden = [
    ['location', 'https://a.example/app#access_token=hidden&state=1'],
    ['location', 'https://a.example/app?a=1#top#access_token=hidden'],
    ['refresh', '5; url=/a?token=hidden'],
    ['link', '</a?page=2>; rel="next", </b?token=hidden>; rel="last"'],
    ['location', '/a?eyJhbGciOiJIUzI1NiJ9.hidden.hidden'],
  ] as const;
  for (const [name, value] of hidden) assert.doesNotMatch(JSON.stringify(redactor.redactFields([name, value])), /hidden/, value);
  for (const [name, value] of [
    ['location', '/a?b=1#top#rest'],
    ['link', '</a?page=2>; rel="next", </b>; title="?x=1"'],
  ] as const)
    assert.deepEqual(redactor.redactFields([name, value]), [[name, value]]);
});

test('a code is one of a login, or one that a configuration names', () => {
  assert.match(redactor.redactTarget('/a?state=x&code=7'), /code=redacted:/);
  assert.match(new Redactor({ ...plain, parameters: ['Code'] }).redactTarget('/a?code=7'), /code=redacted:/);
});

test('addresses of clients go where they are to be hidden', () => {
  const fields = ['x-forwarded-for', '203.0.113.9', 'forwarded', 'for=203.0.113.9'];
  assert.deepEqual(redactor.redactFields(fields).flat(), fields);
  const hiding = new Redactor({ ...plain, hidesClient: true });
  assert.doesNotMatch(JSON.stringify(hiding.redactFields(fields)), /203\.0/);
});

test('JSON is redacted by names and by places, and keeps everything else byte for byte', () => {
  const text = '{ "n": 12345678901234567890, "Password" : "a\\"b", "list":[{"iban":"DE1","x":1.0}], "token": null, "pin": 1 }';
  const body = bodyOf(text, 'application/problem+json; charset=utf-8', { places: [['list', '*', 'iban']] });
  assert.match(
    body.text ?? '',
    /^\{ "n": 12345678901234567890, "Password" : "redacted:[0-9a-f]{16}", "list":\[\{"iban":"redacted:[0-9a-f]{16}","x":1\.0\}\], "token": null, "pin": 1 \}$/,
  );
  assert.equal(body.redacted, true);
  assert.equal(body.bytes, Buffer.byteLength(text));
});

test('of JSON that is cut off, names are found anywhere, and with places to hide nothing is kept', () => {
  for (const cut of ['{"password":"hidd', '{"a":{"password": "hidden', '[{"password":"hid\\', '{"password":12'])
    assert.doesNotMatch(bodyOf(cut, 'application/json', {}, false).text ?? 'hid', /hid|12$/, cut);
  const { text, omitted } = bodyOf('{"a":1', 'application/json', { places: [['b']] }, false);
  assert.deepEqual([text, omitted], [undefined, 'it may hold what is to be redacted']);
});

test('of JSON that is cut off within something that is secret as a whole, nothing is kept', () => {
  for (const cut of ['{"credentials":{"value":"hidd', '{"a":1,"secret" : [ "hid'])
    assert.equal(bodyOf(cut, 'application/json', {}, false).omitted, 'it may hold what is to be redacted');
  assert.equal(bodyOf('{"a":{"b":["c', 'application/json', {}, false).text, '{"a":{"b":["c');
});

test('places are found in JSON that is called something else, and where they cannot be, nothing is kept', () => {
  const places = [['iban']];
  for (const type of ['text/plain', '', 'application/vnd.api+json', 'application/json-patch'])
    assert.match(bodyOf('{"iban":"DE1","a":2}', type, { places }).text ?? '', /^\{"iban":"redacted:[0-9a-f]{16}","a":2\}$/, type);
  assert.equal(bodyOf('{"iban":"DE1"}\n{"iban":"DE2"}\n', 'application/x-ndjson', { places }).text, undefined);
  assert.equal(bodyOf('plain', 'text/plain', { places }).text, 'plain');
});

test('elements of XML are redacted by their names, however their value is written', () => {
  for (const value of ['hidden', '<![CDATA[hidden]]>', 'a<![CDATA[<hidden>]]>b', '<![CDATA[hidden'])
    assert.doesNotMatch(bodyOf(`<a><s:password x="1">${value}</s:password></a>`, 'text/xml').text ?? 'hidden', /hidden/, value);
  const text = '<a><name><![CDATA[shown]]></name><b/></a>';
  assert.equal(bodyOf(text, 'text/xml').text, text);
});

test('what is no text is kept as base64, and a body that is cut within a character is text', () => {
  assert.deepEqual(bodyOf('', 'text/plain'), { bytes: 0 });
  const bytes = Buffer.from([0xff, 0xfe, 0x00]);
  const binary = toRecordedBody({ bytes, isWhole: true, lengthBytes: 3 }, [], redactor, unpack);
  assert.deepEqual(binary, { bytes: 3, base64: bytes.toString('base64') });
  const cut = Buffer.from('aé').subarray(0, 2);
  assert.equal(toRecordedBody({ bytes: cut, isWhole: false, lengthBytes: 9 }, [], redactor, unpack).truncated, true);
});

test('a body that is damaged, or unpacks to too much, is left out', () => {
  const bytes = Buffer.from('no gzip');
  const coded = toRecordedBody({ bytes, isWhole: true, lengthBytes: 7 }, ['content-encoding', 'gzip'], redactor, unpack);
  assert.deepEqual(coded, { bytes: 7, coding: 'gzip', omitted: 'it is compressed, and cannot be looked into' });
});

test('a `link` that is no link hides what others hide', () => {
  const shown = (value: string) => redactor.redactFields(['link', value])[0]![1];
  for (const value of ['/a?token=hidden', '</a?token=hidden', 'https://u:hidden@h/', '</a>; anchor="https://u:hidden@h/"'])
    assert.doesNotMatch(shown(value), /hidden/, value);
});
