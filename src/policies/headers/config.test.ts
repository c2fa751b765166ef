import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainIssue } from '#schema/explain.ts';
import { headersConfig } from './config.ts';

function problems(config: unknown): string[] {
  const issues = headersConfig.safeParse(config, { error: explainIssue }).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

test('reads changes of both sides, names in lower case', () => {
  const config = {
    request: { set: { 'X-Tenant': '${header.x-org}' }, remove: ['Cookie', 'cookie'] },
    response: { add: { Link: '</a>' } },
  };
  assert.deepEqual(headersConfig.parse(config), {
    request: {
      rename: [],
      remove: ['cookie'],
      set: [{ name: 'x-tenant', value: { source: '${header.x-org}', parts: [{ kind: 'field', name: 'x-org' }] } }],
      add: [],
    },
    response: { rename: [], remove: [], set: [], add: [{ name: 'link', value: { source: '</a>', parts: ['</a>'] } }] },
  });
});

const refused: readonly (readonly [unknown, string])[] = [
  [{}, ': nothing is changed; give `request` or `response`'],
  [{ request: {} }, 'request: nothing is changed; give `rename`, `set`, `add` or `remove`'],
  [
    { request: { set: { Host: 'a' } } },
    'request.set.Host: the gateway decides `host`; set `rewrite: { host: … }` or the `host` of the service',
  ],
  [
    { response: { remove: ['Connection'] } },
    'response.remove.0: `connection` belongs to one connection; the gateway writes it itself',
  ],
  [
    { response: { add: { 'Content-Length': '1' } } },
    'response.add.Content-Length: the gateway writes `content-length` itself, from the body',
  ],
  [
    { request: { set: { 'x-a': 'a\r\nx-b: c' } } },
    'request.set.x-a: the value of a header field is one line without control characters',
  ],
  [{ request: { set: { 'x-a': 1 } } }, 'request.set.x-a: expected text such as `max-age=60`, not the number 1'],
  [{ request: { set: { 'X-A': '1', 'x-a': '2' } } }, 'request.set.x-a: `x-a` and `X-A` are the same field; case does not matter'],
];

for (const [config, problem] of refused) {
  test(`refuses ${JSON.stringify(config)}`, () => assert.deepEqual(problems(config), [problem]));
}

test('names the keys that are possible', () => {
  const message = 'request: unknown key `delete`; possible are `rename`, `set`, `add` and `remove`';
  assert.ok(problems({ request: { delete: ['x'] } }).includes(message));
});
