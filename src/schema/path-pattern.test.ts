import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PathSegment, parsePathPattern, readPathPrefix } from './path-pattern.ts';

const literal = (text: string): PathSegment => ({ literal: text });
const capture = (name: string): PathSegment => ({ capture: name });

const accepted: Readonly<Record<string, { segments: PathSegment[]; isPrefix: boolean }>> = {
  '/': { segments: [], isPrefix: false },
  '/*': { segments: [], isPrefix: true },
  '/orders': { segments: [literal('orders')], isPrefix: false },
  '/orders/*': { segments: [literal('orders')], isPrefix: true },
  '/orders/:id': { segments: [literal('orders'), capture('id')], isPrefix: false },
  '/a/:id/b/*': { segments: [literal('a'), capture('id'), literal('b')], isPrefix: true },
  '/:_a1': { segments: [capture('_a1')], isPrefix: false },
  '/a:b/c.d': { segments: [literal('a:b'), literal('c.d')], isPrefix: false },
  '/...': { segments: [literal('...')], isPrefix: false },
  '/%41%2f%3b': { segments: [literal('A%2F%3B')], isPrefix: false },
  '/grün kohl': { segments: [literal('gr%C3%BCn%20kohl')], isPrefix: false },
};

const refused = {
  '': 'the path is empty; write `/` for the root or `/*` for everything',
  orders: '"orders" must begin with `/`; write "/orders"',
  '*': '"*" must begin with `/`; write "/*"',
  '/orders/': '"/orders/" ends with `/`; write "/orders" for that path alone, or "/orders/*" for everything below it too',
  '//': '"//" has an empty segment; write one `/`',
  '/a//b': '"/a//b" has an empty segment; write one `/`',
  '/a/../b': '"/a/../b": ".." is resolved before a route is looked for; write the resolved path',
  '/a/%2E': '"/a/%2E": "%2E" is resolved before a route is looked for; write the resolved path',
  '/a?b=c': '"/a?b=c": a path has no query; use `query` beside `path`',
  '/a#b': '"/a#b": a path has no fragment; clients never send it',
  '/a\\b': '"/a\\\\b": a path has no backslash; write `/`',
  '/a/*/b': '"/a/*/b": `*` may only be the whole last segment; `:name` matches any one segment',
  '/a*': '"/a*": `*` may only be the whole last segment; `:name` matches any one segment',
  '/a/**': '"/a/**": `*` may only be the whole last segment; `:name` matches any one segment',
  '/:': '"/:": ":" is not a capture; write a name of letters, digits and `_`, such as `:id`',
  '/:order-id': '"/:order-id": ":order-id" is not a capture; write a name of letters, digits and `_`, such as `:id`',
  '/a/{id}': '"/a/{id}": write `:id` to capture a segment, not "{id}"',
  '/:id/b/:id': '"/:id/b/:id" captures `:id` twice; give each capture its own name',
  '/100%': '"/100%": `%` begins two hexadecimal digits; write `%25` for the character itself',
  '/a\u0000': '"/a\\u0000" holds a control character',
  [`/${'a/'.repeat(256)}a`]: 'the path has 257 segments; at most 256',
};

for (const [source, pattern] of Object.entries(accepted)) {
  test(`reads the path ${source}`, () => assert.deepEqual(parsePathPattern(source), { value: { source, ...pattern } }));
}

for (const [text, problem] of Object.entries(refused)) {
  test(`refuses the path ${JSON.stringify(text).slice(0, 40)}`, () => assert.deepEqual(parsePathPattern(text), { problem }));
}

test('accepts as many segments as a request may have', () => {
  assert.ok('value' in parsePathPattern(`/${'a/'.repeat(255)}a`));
});

test('reads a prefix without captures and star', () => {
  assert.deepEqual(readPathPrefix('/api/v1'), { value: '/api/v1' });
  assert.deepEqual(readPathPrefix('/'), { value: '/' });
  assert.deepEqual(readPathPrefix('/api/'), { problem: '"/api/" ends with `/`; write "/api"' });
  assert.deepEqual(readPathPrefix('/api/*'), { problem: '"/api/*": leave out `/*`; everything below the path is meant anyway' });
  assert.deepEqual(readPathPrefix('/api/:v'), {
    problem: '"/api/:v": a capture such as `:v` is not possible here; write a literal path',
  });
});
