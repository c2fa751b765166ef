import assert from 'node:assert/strict';
import { test } from 'node:test';
import { markdownLinks, markdownTitles } from './markdown-pages.ts';

const page = (text: string, path = 'docs/page.md') => [{ path, text }];

test('finds a page with two titles', () => {
  assert.deepEqual(
    markdownTitles(page('# One\n\ntext\n\n# Two\n')).map(({ line }) => line),
    [5],
  );
});

test('finds a page without a title', () => {
  assert.equal(markdownTitles(page('## Only a section\n')).length, 1);
});

test('does not take a comment in fenced code for a title', () => {
  assert.deepEqual(markdownTitles(page('# One\n\n```sh\n# a comment\n```\n\n## Section\n')), []);
});

test('asks no title of a change note', () => {
  assert.deepEqual(markdownTitles(page('Routes may match cookies.\n', 'changes/added/cookies.md')), []);
});

test('finds a relative link to nothing', () => {
  const findings = markdownLinks(page('# A\n\nSee [there](../missing.md#part).\n\n[ref]: ./gone.md\n'), () => false);
  assert.deepEqual(
    findings.map(({ line, message }) => `${line} ${message}`),
    ['3 ../missing.md does not exist', '5 ./gone.md does not exist'],
  );
});

test('follows links from the folder of the page', () => {
  const files = [
    ...page('# A\n\n[b](reference/b.md), [c](../README.md), [web](https://example.com/), [part](#a), `[x](y)`\n'),
    ...page('# B\n', 'docs/reference/b.md'),
  ];
  assert.deepEqual(
    markdownLinks(files, (path) => path === 'README.md'),
    [],
  );
});
