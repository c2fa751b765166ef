import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainIssue } from '#schema/explain.ts';
import { errorPagesConfig } from './config.ts';

function problems(config: unknown): string[] {
  const issues = errorPagesConfig.safeParse(config, { error: explainIssue }).error?.issues ?? [];
  return issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

for (const config of [
  { html: { file: './error.html' } },
  { html: { text: '<p>${error.status}</p>' }, json: { code: '${error.code}', path: '${path}' } },
  { statuses: { 404: { html: { text: 'x' } }, '5xx': { json: '${error.title}' } } },
  { intercept: [500, '4xx'] },
]) {
  test(`takes ${JSON.stringify(config)}`, () => assert.deepEqual(problems(config), []));
}

const refused: readonly (readonly [unknown, string])[] = [
  [{}, ': there is no page; give `html`, `json`, `statuses` or `intercept`'],
  [{ html: 'x' }, 'html: expected a map with `file` or `text`, not the text "x"'],
  [
    { html: { text: '${eror.status}' } },
    'html.text: unknown variable `${eror.status}`; did you mean `${error.status}`? `$${` stands for the characters themselves',
  ],
  [{ json: '${error.detial}' }, 'json: "${error.detial}": unknown reference `${error.detial}`; did you mean `${error.detail}`?'],
  [
    { json: '${body.a}' },
    'json: "${body.a}": unknown reference `${body.a}`; known are `path`, `query`, `header`, `cookie`, `consumer`, `claim`, `host`, `authority`, `scheme`, `method`, `clientIp`, `requestId`, `error`',
  ],
  [{ statuses: { 200: { json: 1 } } }, 'statuses.200: only statuses from 400 on are errors'],
  [{ statuses: { 404: {} } }, 'statuses.404: there is no page; give `html`, `json` or both'],
  [{ intercept: [302] }, 'intercept.0: only statuses from 400 on are errors'],
  [{ intercept: ['x'] }, 'intercept.0: "x" is no status; write one such as `404`, or a class such as `4xx`'],
  [{ json: 1, jsonType: 'text/html' }, 'jsonType: expected a type of JSON, such as `application/problem+json`'],
];

for (const [config, problem] of refused)
  test(`refuses ${JSON.stringify(config)}`, () => assert.ok(problems(config).includes(problem), problems(config).join('\n')));
