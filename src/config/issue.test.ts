import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIssue, formatPath } from './issue.ts';

test('writes paths as programs do', () => {
  assert.equal(formatPath([]), '');
  assert.equal(formatPath(['listeners', 'web', 'trustedProxies', 0]), 'listeners.web.trustedProxies[0]');
  assert.equal(formatPath(['routes', 'a.b', 'to']), 'routes["a.b"].to');
});

test('writes issues as compilers do', () => {
  const issue = { path: ['a'], code: 'missing', severity: 'error', message: 'no', file: 'f.yaml', line: 3, column: 5 } as const;
  assert.equal(formatIssue(issue), 'f.yaml:3:5 a: no');
  assert.equal(formatIssue({ ...issue, path: [] }), 'f.yaml:3:5 no');
  assert.equal(formatIssue({ ...issue, line: undefined, column: undefined }), 'f.yaml a: no');
  assert.equal(formatIssue({ ...issue, severity: 'warning' }), 'f.yaml:3:5 warning: a: no');
});
