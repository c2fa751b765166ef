/**
 * Our reading of YAML, by the events of js-yaml, against the library `yaml` on the same texts: values, places and keys that are
 * there twice. What we accept, the library reads as the same; everything else is listed.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readDocument, type SourceDocument } from '#config/document.ts';
import { fuzzParameters } from '../support/fuzz-parameters.ts';
import { readRepository } from '../tidy/repository.ts';
import { scanSource } from '../tidy/source-text.ts';
import { explanationsOfYaml, knownYamlDifferences } from './known-yaml-differences.ts';
import { compareYaml, type YamlDifference } from './yaml-comparison.ts';
import { readByLibrary } from './yaml-library.ts';
import { arbitraryFragments, injure } from './yaml-texts.ts';

/** Of the texts that are injured, so that each is soon read. */
const INJURED_LENGTH_MAX = 2_000;

function differenceOf(text: string): YamlDifference | undefined {
  return compareYaml(text, readDocument('F', text), readByLibraryOrFail(text));
}

/** The library may call itself too often. */
function readByLibraryOrFail(text: string): SourceDocument {
  try {
    return readByLibrary('F', text);
  } catch (error) {
    const issue = { path: [], code: 'syntax', severity: 'error', message: String(error), file: 'F', line: 1, column: 1 } as const;
    return { file: 'F', value: undefined, issues: [issue], toIssue: () => issue };
  }
}

function assertListed(text: string): void {
  const difference = differenceOf(text);
  if (difference !== undefined) assert.notDeepEqual(explanationsOfYaml(difference), [], JSON.stringify(difference));
}

/** All YAML and JSON of the repository: files, blocks in documents, and texts in programs that may be some. */
function listTexts(): string[] {
  return readRepository().flatMap(({ path, text }) => {
    if (/\.(?:ya?ml|json)$/.test(path)) return [text];
    if (path.endsWith('.md')) return [...text.matchAll(/```(?:ya?ml|json)[^\n]*\n([\s\S]*?)```/g)].map((match) => match[1]!);
    if (!path.endsWith('.ts')) return [];
    return scanSource(text)
      .strings.map((literal) => literal.text)
      .filter((literal) => literal.includes('\n') && literal.includes(': '));
  });
}

const texts = listTexts();

test('every YAML text of this repository has the value, the places and the duplicates that the library finds', () => {
  assert.ok(texts.length > 150, `${texts.length} texts`);
  for (const text of texts) assert.deepEqual(differenceOf(text), undefined);
});

for (const [name, { example, kind }] of Object.entries(knownYamlDifferences)) {
  test(`a known difference, and its example: ${name}`, () => {
    const difference = differenceOf(example);
    assert.equal(difference?.kind, kind, JSON.stringify(difference));
    assert.ok(explanationsOfYaml(difference).includes(name), JSON.stringify(difference));
  });
}

test('injured texts are refused, or mean what the library reads, or differ in a listed way', (context) => {
  const short = texts.filter(({ length }) => length < INJURED_LENGTH_MAX);
  fc.assert(fc.property(injure(fc.constantFrom(...short)), assertListed), fuzzParameters(context));
});

test('texts of random fragments are refused, or mean what the library reads, or differ in a listed way', (context) => {
  fc.assert(fc.property(arbitraryFragments, assertListed), fuzzParameters(context));
});
