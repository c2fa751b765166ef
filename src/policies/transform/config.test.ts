import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainIssue } from '#schema/explain.ts';
import { transformConfig } from './config.ts';

function problems(config: unknown): string[] {
  const issues = transformConfig.safeParse(config, { error: explainIssue }).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

const accepted: readonly unknown[] = [
  { request: { query: { remove: ['a'] } } },
  { request: { body: { from: ['json', 'form'], to: 'json' } } },
  { request: { body: { map: { $merge: ['${body}', { by: '${consumer.name}' }] }, maxBytes: '16MiB' } } },
  { response: { location: true } },
  { response: { location: { replace: { 'https://old.example.com/v1': '/v2' } } } },
  { response: { status: { 404: 410, '5xx': 502 }, body: { map: '${answer.body.data}', statuses: [200, '4xx'] } } },
  { response: { cookies: { domain: { '*': false }, path: { '/': '/api' }, sameSite: 'strict' } } },
];

for (const config of accepted) test(`takes ${JSON.stringify(config)}`, () => assert.deepEqual(problems(config), []));

const refused: readonly (readonly [unknown, string])[] = [
  [{}, ': nothing is changed'],
  [{ request: {} }, 'request: nothing is changed'],
  [{ request: { query: {} } }, 'request.query: nothing is changed'],
  [{ response: { cookies: { names: ['a'] } } }, 'response.cookies: nothing is changed'],
  [{ request: { body: {} } }, 'request.body: the body is not changed; give `map`, or `to` with another format'],
  [{ request: { body: { to: 'json' } } }, 'request.body: the body is not changed; give `map`, or `to` with another format'],
  [{ request: { body: { to: 'yaml' } } }, 'request.body.to: expected `json`, `form` or `xml`, not "yaml"'],
  [{ request: { body: { map: 1, maxBytes: '1GiB' } } }, 'request.body.maxBytes: "1GiB" is too large; at most `16MiB`'],
  [
    { request: { body: { map: { a: { b: '${answr.body}' } } } } },
    'request.body.map.a.b: "${answr.body}": unknown reference `${answr.body}`; known are `path`, `query`, `header`, `cookie`, `consumer`, `claim`, `host`, `authority`, `scheme`, `method`, `clientIp`, `requestId`, `body`',
  ],
  [
    { response: { body: { map: '${answr.body}' } } },
    'response.body.map: "${answr.body}": unknown reference `${answr.body}`; did you mean `${answer.body}`?',
  ],
  [
    { response: { body: { map: { $ech: 1 } } } },
    'response.body.map.$ech: unknown operator `$ech`; did you mean `$each`? Write `$$ech` for the name itself',
  ],
  [
    { response: { status: { 404: 204 } } },
    'response.status.404: an answer with 204 has no body; the one of the service may have one',
  ],
  [{ response: { status: { 404: 404 } } }, 'response.status.404: 404 stays 404'],
  [{ response: { status: { 304: 200 } } }, 'response.status.304: 304 is no status of an answer that could have another one'],
  [
    { response: { status: { '6xx': 500 } } },
    'response.status.6xx: "6xx" is no status; write one such as `404`, or a class such as `4xx`',
  ],
  [
    { response: { location: { replace: { 'orders/': '/x' } } } },
    'response.location.replace.orders/: expected the beginning of an address, such as `http://orders.internal/v1` or `/v1`',
  ],
  [
    { response: { cookies: { sameSite: 'none', secure: false } } },
    'response.cookies.secure: browsers take no cookie with `SameSite=None` that is not `Secure`',
  ],
  [{ response: { cookies: { path: { '/': 'a;b' } } } }, 'response.cookies.path./: expected a path such as `/api`'],
  [
    { request: { cookies: { set: { 'a b': '1' } } } },
    'request.cookies.set.a b: "a b" is not the name of a cookie; write letters, digits, hyphens and dots',
  ],
];

for (const [config, problem] of refused)
  test(`refuses ${JSON.stringify(config)}`, () => assert.ok(problems(config).includes(problem), problems(config).join('\n')));
