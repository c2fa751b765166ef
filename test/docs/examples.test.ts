/** Examples in the documentation are configurations that are taken, and what they are said to do is what they do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { readRepository } from '../tidy/repository.ts';
import { type Example, findExamples } from './page-examples.ts';
import { playExample } from './played-example.ts';

/** Pages that people write; copies of them are left out. */
const pages = readRepository().filter(
  ({ path, text }) =>
    /^(?:README\.md|docs\/.*\.md|src\/policies\/[^/]+\/policy\.md)$/.test(path) && !text.startsWith('<!-- Generated'),
);

for (const { path, text } of pages) {
  for (const example of findExamples(text)) {
    test(`${path}:${example.line}: the configuration is taken`, async () => assert.deepEqual(await findIssues(example), []));
    if (example.transcripts.length === 0) continue;
    test(`${path}:${example.line}: happens as the page shows`, async () => assert.deepEqual(await playExample(example), []));
  }
}

test('the pages of policies have examples that are played', () => {
  const examples = pages.flatMap(({ text }) => findExamples(text));
  assert.ok(examples.some(({ transcripts }) => transcripts.length > 0));
});

test('an example that does not do what it shows is noticed', async () => {
  const configuration =
    'version: 1\nlisteners: { web: { address: ":8080" } }\nroutes: { a: { match: { path: /a }, to: { respond: { text: a } } } }\n';
  const request = { start: 'GET /a HTTP/1.1', fields: [['host', 'b'] as const], body: '' };
  const answer = { start: 'HTTP/1.1 201 Created', fields: [['x-a', '1'] as const], body: 'b' };
  const transcripts = [{ line: 7, request, answer, received: { ...request, fields: [] } }];
  assert.deepEqual(await playExample({ line: 1, configuration, transcripts }), [
    'line 7: the answer begins with HTTP/1.1 200 OK',
    'line 7: the answer has x-a: undefined',
    'line 7: the answer also has content-type: text/plain; charset=utf-8',
    'line 7: the body is "a"',
    'line 7: the service received nothing',
  ]);
});

async function findIssues({ configuration }: Example): Promise<string[]> {
  const names = [...configuration.matchAll(/\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}/g)].map((match) => match[1]!);
  const { issues } = await loadConfigurationText(configuration, 'example.yaml', {
    policies: policyOrder,
    env: Object.fromEntries(names.map((name) => [name, 'example-of-a-secret-that-is-long-enough'])),
    readFile: () => Promise.resolve('example'),
  });
  return issues.map(({ line, message }) => `${line}: ${message}`);
}
