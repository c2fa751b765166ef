import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toPlainConsumer } from '#http/consumer.ts';
import { parseTemplate } from '#schema/template.ts';
import { type BenchRequest, createPolicyBench, planPhases } from '#test/support/policy-bench.ts';
import { renderTemplate, type TemplatePlace } from './render-template.ts';

async function render(text: string, place: TemplatePlace, request: BenchRequest): Promise<string> {
  const reading = parseTemplate(text);
  assert.ok('value' in reading);
  const { exchange } = await createPolicyBench({ path: '/*' }).send(request);
  return renderTemplate(reading.value, exchange, place);
}

type Row = readonly [text: string, request: BenchRequest, Readonly<Record<TemplatePlace, string>>];

const quoted = { url: '/a%22b%2Fc?q=%22x%22%0A%26' };
const bytes = { fields: ['x-a', 'caf\u00c3\u00a9 "1"'] };
const noUtf8 = { fields: ['x-a', '\u00e9'] };

const rows: readonly Row[] = [
  ['plain', {}, { path: 'plain', query: 'plain', field: 'plain', text: 'plain', json: 'plain' }],
  ['${path}', quoted, { path: '/a%22b%2Fc', query: '/a%22b%2Fc', field: '/a"b/c', text: '/a"b/c', json: '/a\\"b/c' }],
  [
    '${query.q}',
    quoted,
    { path: '%22x%22%0A%26', query: '%22x%22%0A%26', field: '%22x%22%0A%26', text: '"x"\n&', json: '\\"x\\"\\n&' },
  ],
  [
    '${header.x-a}',
    bytes,
    {
      path: 'caf%C3%A9%20%221%22',
      query: 'caf%C3%A9%20%221%22',
      field: 'caf\u00c3\u00a9 "1"',
      text: 'café "1"',
      json: 'café \\"1\\"',
    },
  ],
  ['${header.x-a}', noUtf8, { path: '%E9', query: '%E9', field: '\u00e9', text: '\u00e9', json: '\u00e9' }],
  ['${query.q}', { url: '/?q=%FF' }, { path: '%FF', query: '%FF', field: '%FF', text: '%FF', json: '%FF' }],
  ['${query.none}', quoted, { path: '', query: '', field: '', text: '', json: '' }],
  ['${query.a}', { url: '/?a' }, { path: '', query: '', field: '', text: '', json: '' }],
  ['${query.a b}', { url: '/?a+b=1&a%20b=2' }, { path: '1', query: '1', field: '1', text: '1', json: '1' }],
  ['${query.a}', { url: '/?b=a=1&a=b=c' }, { path: 'b=c', query: 'b%3Dc', field: 'b=c', text: 'b=c', json: 'b=c' }],
];

for (const [text, request, expected] of rows) {
  test(`writes ${text} of ${JSON.stringify(request)} as each place needs it`, async () => {
    for (const place of ['path', 'query', 'field', 'text', 'json'] as const) {
      assert.equal(await render(text, place, request), expected[place], place);
    }
  });
}

const claims = {
  sub: 'ann',
  name: 'J\u00f6rg "J"',
  evil: 'a\r\nx-admin: 1',
  path: '../a/b?c',
  'cognito:groups': ['x', 'y'],
  broken: '\ud800',
};

const claimRows: readonly (readonly [text: string, Readonly<Record<TemplatePlace, string>>])[] = [
  ['${claim.sub}', { path: 'ann', query: 'ann', field: 'ann', text: 'ann', json: 'ann' }],
  [
    '${claim.name}',
    {
      path: 'J%C3%B6rg%20%22J%22',
      query: 'J%C3%B6rg%20%22J%22',
      field: 'J%C3%B6rg%20%22J%22',
      text: 'Jörg "J"',
      json: 'Jörg \\"J\\"',
    },
  ],
  [
    '${claim.evil}',
    {
      path: 'a%0D%0Ax-admin%3A%201',
      query: 'a%0D%0Ax-admin%3A%201',
      field: 'a%0D%0Ax-admin%3A%201',
      text: 'a\r\nx-admin: 1',
      json: 'a\\r\\nx-admin: 1',
    },
  ],
  ['${claim.path}', { path: '..%2Fa%2Fb%3Fc', query: '..%2Fa%2Fb%3Fc', field: '../a/b?c', text: '../a/b?c', json: '../a/b?c' }],
  ['${claim.cognito:groups}', { path: 'x%20y', query: 'x%20y', field: 'x y', text: 'x y', json: 'x y' }],
  ['${claim.broken}', { path: '%EF%BF%BD', query: '%EF%BF%BD', field: '%EF%BF%BD', text: '\ufffd', json: '\ufffd' }],
  ['${claim.none}', { path: '', query: '', field: '', text: '', json: '' }],
];

test('writes what a token says as each place needs it, so that it is never more than a value', async () => {
  const identify = planPhases({
    requestHead(exchange) {
      exchange.consumer = { ...toPlainConsumer('ann', []), claims };
      return undefined;
    },
  });
  const { exchange } = await createPolicyBench({ policies: [identify] }).send();
  for (const [text, expected] of claimRows) {
    const reading = parseTemplate(text);
    assert.ok('value' in reading);
    for (const place of ['path', 'query', 'field', 'text', 'json'] as const)
      assert.equal(renderTemplate(reading.value, exchange, place), expected[place], `${text} ${place}`);
  }
});

test('there are no claims where nobody has shown a token', async () => {
  assert.equal(await render('${claim.sub}', 'field', { fields: ['x-sub', 'ann'] }), '');
});

test('a JSON text stays one text, whatever a client sends', async () => {
  const request = { url: '/?q=%22%2C%22admin%22%3Atrue%2C%22%5C%00%E2%80%A8' };
  const text = await render('{"q":"${query.q}"}', 'json', request);
  assert.deepEqual(JSON.parse(text), { q: '","admin":true,"\\\u0000\u2028' });
});
