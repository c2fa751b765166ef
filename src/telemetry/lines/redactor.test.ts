import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SecretNames } from '#http/secret-names.ts';
import { readLogField } from '#schema/log-field.ts';
import type { LogField } from '#schema/log-field-names.ts';
import { makeExchange } from '#test/support/logged-exchange.ts';
import { Redactor } from './redactor.ts';

const toField = (text: string): LogField => {
  const reading = readLogField(text);
  assert.ok('value' in reading, text);
  return reading.value;
};

const redact = (also: readonly string[], not: readonly string[] = []) =>
  new Redactor({ also: also.map(toField), not: not.map(toField) });

test('what a configuration names as places of credentials is hidden, until the settings say otherwise', () => {
  const names = new SecretNames({ fields: ['x-door'], parameters: ['Knock', 'a.b'] });
  const redactor = new Redactor({ also: [], not: [] }, names);
  for (const field of ['request.header.x-door', 'response.header.x-door', 'query.knock'])
    assert.ok(redactor.hides(toField(field)), field);
  assert.ok(!redactor.hides(toField('request.header.x-doors')));
  assert.equal(redactor.showUrl('/?KNOCK=1&a.b=2&acb=3'), '/?KNOCK=[redacted]&a.b=[redacted]&acb=3');
  assert.equal(redactor.showUrl('/?k%6eock=1'), '/?k%6eock=[redacted]');
  const open = new Redactor({ also: [], not: [toField('request.header.x-door')] }, names);
  assert.ok(!open.hides(toField('request.header.x-door')));
});

test('fields and parameters that are named like credentials are hidden, and others are not', () => {
  const redactor = new Redactor();
  const headers = [
    'authorization',
    'proxy-authorization',
    'cookie',
    'set-cookie',
    'x-api-key',
    'api-key',
    'x-auth-token',
    'x-auth-user',
  ];
  const more = [
    'x-csrf-token',
    'ocp-apim-subscription-key',
    'x-amz-security-token',
    'x-session-id',
    'x-hub-signature',
    'x-client-secret',
  ];
  const parameters = [
    'access_token',
    'id_token',
    'apikey',
    'API_KEY',
    'key',
    'sig',
    'password',
    'Pwd',
    'client_secret',
    'X-Amz-Signature',
  ];
  for (const name of [...headers, ...more]) {
    assert.ok(redactor.hides(toField(`request.header.${name}`)), name);
    assert.ok(redactor.hides(toField(`response.header.${name}`)), name);
  }
  for (const name of [...parameters, 'X-Goog-Credential', 'jwt', 'auth', 'sid', 'sessionId', 'code_verifier', 'code', 'OTP'])
    assert.ok(redactor.hides(toField(`query.${name}`)), name);
  const shown = [
    'user-agent',
    'referer',
    'x-request-id',
    'accept',
    'idempotency-id',
    'x-tokens-left',
    'content-type',
    'sec-fetch-mode',
  ];
  for (const name of shown) assert.ok(!redactor.hides(toField(`request.header.${name}`)), name);
  for (const name of ['page', 'keyword', 'monkey', 'author', 'encoded', 'postcode', 'spin', 'signal', 'design', 'passenger'])
    assert.ok(!redactor.hides(toField(`query.${name}`)), name);
  for (const name of ['status', 'client', 'target', 'claim.email', 'path.token']) assert.ok(!redactor.hides(toField(name)), name);
});

test('what settings name is hidden, and what they exempt is shown', () => {
  const redactor = redact(
    ['claim.email', 'path.token', 'request.header.x-tenant', 'query.Email'],
    ['query.key', 'request.header.cookie'],
  );
  for (const name of [
    'claim.email',
    'path.token',
    'request.header.x-tenant',
    'query.email',
    'query.EMAIL',
    'request.header.authorization',
  ])
    assert.ok(redactor.hides(toField(name)), name);
  for (const name of ['claim.name', 'response.header.x-tenant', 'query.key', 'query.KEY', 'request.header.cookie'])
    assert.ok(!redactor.hides(toField(name)), name);
  assert.ok(redactor.hides(toField('response.header.set-cookie')));
});

const targets: readonly (readonly [asked: string, shown: string])[] = [
  ['/a', '/a'],
  ['/a?b=1&c=2', '/a?b=1&c=2'],
  ['/a?access_token=abc', '/a?access_token=[redacted]'],
  ['/a?b=1&ACCESS_TOKEN=abc&c=2', '/a?b=1&ACCESS_TOKEN=[redacted]&c=2'],
  ['/a?key=1&key=2&monkey=3', '/a?key=[redacted]&key=[redacted]&monkey=3'],
  ['/a?access%5Ftoken=abc', '/a?access%5Ftoken=[redacted]'],
  ['/a?%61ccess_token=abc', '/a?%61ccess_token=[redacted]'],
  ['/a?token', '/a?token'],
  ['/a?token=', '/a?token=[redacted]'],
  ['/a?token=a=b=c', '/a?token=[redacted]'],
  ['/token?x=1', '/token?x=1'],
  ['/a?x=token', '/a?x=token'],
  ['/a?&&=&token=1&', '/a?&&=&token=[redacted]&'],
  ['/a?%zz=1&sig=2', '/a?%zz=1&sig=[redacted]'],
  ['/a?b=1?token=2', '/a?b=1?token=2'],
  [
    '/a?user[password]=1&user%5Bname%5D=2&pin[]=3&a[b]=4',
    '/a?user[password]=[redacted]&user%5Bname%5D=2&pin[]=[redacted]&a[b]=4',
  ],
  ['/a?cardNumber=1&cvc=2&card=3', '/a?cardNumber=[redacted]&cvc=[redacted]&card=3'],
];

for (const [asked, shown] of targets) {
  test(`the target ${asked} is shown as ${shown}`, () => {
    assert.equal(new Redactor().showTarget(makeExchange({ target: asked })), shown);
  });
}

test('a policy that hides a part of the target is heard, and the rest is looked at all the same', () => {
  const exchange = makeExchange({ target: '/a?k=secret&token=abc' });
  exchange.shownTarget = '/a?k=[redacted]&token=abc';
  assert.equal(new Redactor().showTarget(exchange), '/a?k=[redacted]&token=[redacted]');
});

test('parameters of the settings are found however they are written', () => {
  const redactor = redact(['query.full name', 'query.a.b', 'query.größe']);
  const target = '/x?full+name=1&full%20name=2&a.b=3&axb=4&gr%C3%B6%C3%9Fe=5';
  const shown = '/x?full+name=[redacted]&full%20name=[redacted]&a.b=[redacted]&axb=4&gr%C3%B6%C3%9Fe=[redacted]';
  assert.equal(redactor.showTarget(makeExchange({ target })), shown);
});

test('a captured segment that is hidden is hidden in the path too', () => {
  const exchange = makeExchange({ target: '/reset/s3cr3t/s3cr3t2?x=s3cr3t' });
  exchange.captureNames = ['token'];
  exchange.captures = ['s3cr3t'];
  assert.equal(redact(['path.token']).showTarget(exchange), '/reset/[redacted]/s3cr3t2?x=s3cr3t');
  assert.equal(redact(['path.token']).showPath(exchange), '/reset/[redacted]/s3cr3t2');
  assert.equal(redact(['path.other']).showPath(exchange), '/reset/s3cr3t/s3cr3t2');
});

test('what a regular expression has captured is hidden, be it a part of a segment or several', () => {
  for (const [capture, shown] of [
    ['s3cr3t', '/files/[redacted].pdf'],
    ['files/s3cr3t', '/[redacted].pdf'],
    ['', '/files/s3cr3t.pdf'],
  ] as const) {
    const exchange = makeExchange({ target: '/files/s3cr3t.pdf?x=1' });
    exchange.captureNames = ['name'];
    exchange.captures = [capture];
    assert.equal(redact(['path.name']).showTarget(exchange), `${shown}?x=1`);
  }
});

test('a whole query, or a whole target, can be hidden', () => {
  const exchange = makeExchange({ target: '/a?b=1' });
  assert.equal(redact(['query']).showTarget(exchange), '/a?[redacted]');
  assert.equal(redact(['query']).showQuery(exchange), '[redacted]');
  assert.equal(redact(['target']).showTarget(exchange), '[redacted]');
  assert.equal(redact(['target']).showQuery(exchange), '[redacted]');
  assert.equal(redact(['path']).showPath(exchange), '[redacted]');
  assert.equal(new Redactor().showQuery(exchange), 'b=1');
  assert.equal(redact(['query']).showQuery(makeExchange({ target: '/a' })), undefined);
});

test('of the address of a client that is hidden, the network is left', () => {
  const redactor = redact(['client']);
  const cases = [
    ['192.0.2.77', '192.0.2.0'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
    ['2001:db8::7', '2001:db8::'],
    ['::1', '::'],
    ['::ffff:192.0.2.7', '[redacted]'],
    ['unix:', '[redacted]'],
  ] as const;
  for (const [address, shown] of cases) assert.equal(redactor.showAddress('client', address), shown);
  assert.equal(redactor.showAddress('peer', '192.0.2.77'), '192.0.2.77');
});

test('addresses in fields are shown without their credentials', () => {
  const redactor = new Redactor();
  assert.equal(redactor.showHeader('referer', 'https://a.example/x?token=1&b=2'), 'https://a.example/x?token=[redacted]&b=2');
  assert.equal(redactor.showHeader('location', '/callback?access_token=1'), '/callback?access_token=[redacted]');
  assert.equal(redactor.showHeader('user-agent', 'x?token=1'), 'x?token=1');
  const fragments = [
    ['/app#access_token=1&state=2', '/app#access_token=[redacted]&state=2'],
    ['/app?a=1#id_token=2', '/app?a=1#id_token=[redacted]'],
    ['/app#top', '/app#top'],
  ] as const;
  for (const [sent, shown] of fragments) assert.equal(redactor.showHeader('location', sent), shown);
});
