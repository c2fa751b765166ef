import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findExamples, isAsShown } from './page-examples.ts';

const page = `
# Page

\`\`\`yaml
policies: {}
\`\`\`

\`\`\`yaml
# A comment.
version: 1
listeners: {}
\`\`\`

\`\`\`http
GET /a HTTP/1.1
Host: b

HTTP/1.1 200 OK
x-a: 1:2

one

two
\`\`\`

\`\`\`http service
GET /c HTTP/1.1
\`\`\`
`;

test('finds whole configurations with their transcripts, and leaves fragments alone', () => {
  assert.deepEqual(findExamples(page), [
    {
      line: 8,
      configuration: '# A comment.\nversion: 1\nlisteners: {}\n',
      transcripts: [
        {
          line: 14,
          request: { start: 'GET /a HTTP/1.1', fields: [['host', 'b']], body: '' },
          answer: { start: 'HTTP/1.1 200 OK', fields: [['x-a', '1:2']], body: 'one\n\ntwo' },
          received: { start: 'GET /c HTTP/1.1', fields: [], body: '' },
        },
      ],
    },
  ]);
});

test('refuses a transcript that belongs to nothing or is not whole', () => {
  assert.throws(() => findExamples('```http\nGET / HTTP/1.1\n```'), /no configuration/);
  assert.throws(() => findExamples('```yaml\nversion: 1\n```\n```http\nGET / HTTP/1.1\n```'), /a request and its answer/);
  assert.throws(() => findExamples('```yaml\nversion: 1\n```\n```http service\nGET / HTTP/1.1\n```'), /no request/);
});

test('an ellipsis stands for anything, and nothing else does', () => {
  assert.ok(isAsShown('a(…)c.', 'a(b\nb)c.'));
  assert.ok(!isAsShown('a(…)c.', 'a(b)cd'));
});
