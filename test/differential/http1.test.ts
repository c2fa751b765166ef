/**
 * The gateway's HTTP/1 codec against Node's own parser on the same bytes. What we accept, Node's strict parser accepts with
 * the same meaning: methods, targets, fields, bodies, trailers and the number of messages. Everything else is listed.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '../support/fuzz-parameters.ts';
import { arbitraryRequests, arbitraryResponses } from '../support/http1-messages.ts';
import { readRequests, readResponse, toBytes } from '../support/http1-reading.ts';
import { smugglingRequests, smugglingResponses } from '../support/http1-smuggling.ts';
import { compareRequests, compareResponses, type Difference } from './comparison.ts';
import { explanationsOf, knownDifferences } from './known-differences.ts';
import { NodeRequestParser, readNodeResponse } from './node-parser.ts';

const nodeRequests = new NodeRequestParser();
after(() => nodeRequests.close());

async function differenceOfRequests(bytes: Buffer): Promise<Difference | undefined> {
  return compareRequests(bytes, readRequests([bytes]), await nodeRequests.read(bytes));
}

async function differenceOfResponse(bytes: Buffer, method: string): Promise<Difference | undefined> {
  return compareResponses(bytes, readResponse([bytes], { method }), await readNodeResponse(bytes, method));
}

function describe(difference: Difference | undefined, bytes: Buffer): string {
  if (difference === undefined) return 'no difference';
  const { kind, what, ours, theirs } = difference;
  return `${kind} in ${what}: ours ${ours}, Node ${theirs}, for ${JSON.stringify(bytes.latin1Slice())}`;
}

function assertListed(difference: Difference | undefined, bytes: Buffer): void {
  if (difference !== undefined) assert.notDeepEqual(explanationsOf(difference), [], describe(difference, bytes));
}

for (const { name, text, ours, difference } of smugglingRequests) {
  test(`requests: ${name}: ours ${ours}, ${difference === undefined ? 'as in Node' : `unlike Node (${difference})`}`, async () => {
    const bytes = toBytes(text);
    assert.equal(readRequests([bytes]).end, ours);
    const found = await differenceOfRequests(bytes);
    const explanations = found === undefined ? [] : explanationsOf(found);
    assert.equal(found === undefined, difference === undefined, describe(found, bytes));
    if (difference !== undefined) assert.ok(explanations.includes(difference), `${describe(found, bytes)}: ${explanations}`);
  });
}

for (const { name, text, ours, difference } of smugglingResponses) {
  test(`answers: ${name}: ours ${ours}, ${difference === undefined ? 'as in Node' : `unlike Node (${difference})`}`, async () => {
    const bytes = toBytes(text);
    assert.equal(readResponse([bytes]).end, ours);
    const found = await differenceOfResponse(bytes, 'GET');
    const explanations = found === undefined ? [] : explanationsOf(found);
    assert.equal(found === undefined, difference === undefined, describe(found, bytes));
    if (difference !== undefined) assert.ok(explanations.includes(difference), `${describe(found, bytes)}: ${explanations}`);
  });
}

test('every known difference has a case that shows it', () => {
  const shown = new Set([...smugglingRequests, ...smugglingResponses].map(({ difference }) => difference));
  assert.deepEqual(
    Object.keys(knownDifferences).filter((name) => !shown.has(name)),
    [],
  );
});

test('random requests, whole and injured, mean the same to Node or differ in a listed way', async (context) => {
  const texts = smugglingRequests.map(({ text }) => text);
  await fc.assert(
    fc.asyncProperty(arbitraryRequests(texts), async (bytes) => assertListed(await differenceOfRequests(bytes), bytes)),
    fuzzParameters(context),
  );
});

test('random answers, whole and injured, mean the same to Node or differ in a listed way', async (context) => {
  const texts = smugglingResponses.map(({ text }) => text);
  await fc.assert(
    fc.asyncProperty(arbitraryResponses(texts), fc.constantFrom('GET', 'GET', 'HEAD', 'POST'), async (bytes, method) => {
      assertListed(await differenceOfResponse(bytes, method), bytes);
    }),
    fuzzParameters(context),
  );
});

/** A comparison that never objects would let everything above pass. */
const wrongReadings: [what: string, theirs: string, ours: string][] = [
  [
    'a body of another length',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab',
  ],
  ['a request less', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['a request more', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2)],
  ['another field', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nX: 2\r\n\r\n'],
  ['another target', 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n', 'GET /b HTTP/1.1\r\nHost: a\r\n\r\n'],
  ['what Node refuses', 'GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n', 'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n\r\n'],
];

for (const [what, theirs, ours] of wrongReadings) {
  test(`notices a parser that reads ${what}`, async () => {
    const difference = compareRequests(toBytes(theirs), readRequests([toBytes(ours)]), await nodeRequests.read(toBytes(theirs)));
    assert.ok(difference !== undefined);
    assert.deepEqual(explanationsOf(difference), []);
  });
}
