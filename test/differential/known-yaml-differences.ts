/**
 * Where our reading of YAML and the library `yaml` part, each with the reason. An entry explains what it was written for and
 * nothing else; a difference that no entry explains fails the test. No entry explains two meanings of a map or a list.
 */
import type { YamlDifference } from './yaml-comparison.ts';

interface KnownDifference {
  readonly kind: YamlDifference['kind'];
  readonly explains: (difference: YamlDifference) => boolean;
  readonly reason: string;
  /** A text that shows it. */
  readonly example: string;
}

/** Our own words; all other messages are those of the parser. */
const ownMessages =
  /a key must be text|there is no character|the key is missing here|a line of its own|very beginning of a line|of all directives|carriage return|byte order mark|unresolved tag|takes a map that has ended/;

const isOfText = ({ value }: YamlDifference) => typeof value !== 'object' || value === null;
const matches = (pattern: RegExp) => (difference: YamlDifference) => pattern.test(difference.what);

export const knownYamlDifferences: Readonly<Record<string, KnownDifference>> = {
  'parser-stricter': {
    kind: 'stricter',
    explains: ({ what }) => !ownMessages.test(what),
    reason: 'js-yaml keeps closer to the standard than the library, such as with what follows a text in quotes or a bracket.',
    example: 'a:\n  b\n : 1',
  },
  'empty-key': {
    kind: 'stricter',
    explains: matches(/the key is missing here/),
    reason: 'A key that nobody has written stands nowhere, so nothing could be said at its place; the library reads it as "".',
    example: 'a: 1\n: 2',
  },
  'tagged-key': {
    kind: 'stricter',
    explains: matches(/a key must be text/),
    reason: 'The library takes a tag before a key in some places although all keys are to be text.',
    example: '? !one\n: 1',
  },
  tags: {
    kind: 'stricter',
    explains: matches(/unresolved tag/),
    reason: 'Dates, bytes, sets and pairs are values that no configuration has a use for.',
    example: 'a: !!binary aGVsbG8=',
  },
  directives: {
    kind: 'stricter',
    explains: matches(/of all directives/),
    reason: 'YAML 1.1 reads other values, and a tag with a handle of its own would look like one that it is not.',
    example: '%YAML 1.1\n---\na: yes',
  },
  'lone-carriage-return': {
    kind: 'stricter',
    explains: matches(/carriage return/),
    reason: 'By the standard it ends a line, and to the library it does not: the text would be read as something else.',
    example: 'a: 1\r',
  },
  'byte-order-mark': {
    kind: 'stricter',
    explains: matches(/byte order mark/),
    reason: 'In the midst of a text, parsers take it for different things.',
    example: 'a: 1\n\uFEFFb: 2',
  },
  'text-alone': {
    kind: 'meaning',
    explains: isOfText,
    reason: 'A document that is nothing but a text is refused as a configuration however it is read.',
    example: '|2\n  a',
  },
  'text-alone-taken': {
    kind: 'laxer',
    explains: isOfText,
    reason: 'The same: the library refuses some such documents at once.',
    example: '\ta',
  },
  'text-alone-place': {
    kind: 'place',
    explains: isOfText,
    reason: 'The place of a document that is nothing, or a text, is its beginning.',
    example: '---\n',
  },
  'blank-tabs': {
    kind: 'laxer',
    explains: ({ what, text }) =>
      /indented with a tab|less indented than|more-indented leading empty/.test(what) || /^ *\t\s*$/m.test(text),
    reason: 'Tabs on a line with nothing else indent nothing (YAML 1.2.2 §6.1); the library refuses some of them.',
    example: 'k: \n\t\t',
  },
  'end-mark': {
    kind: 'laxer',
    explains: ({ what, text }) => /a second document begins/.test(what) && /^\.\.\./m.test(text),
    reason: 'By the standard, `...` before anything else ends no document (YAML 1.2.2 §9.2); the library sees two.',
    example: '...\na: 1',
  },
  'marked-list': {
    kind: 'laxer',
    explains: ({ text }) => text.startsWith('\uFEFF'),
    reason: 'The library does not take a list after a byte order mark.',
    example: '\uFEFF- a',
  },
  'indented-start': {
    kind: 'stricter',
    explains: matches(/very beginning of a line/),
    reason: 'In the very first line, js-yaml takes spaces before `---`, which to the library are part of a text.',
    example: ' --- a',
  },
  'marked-nothing': {
    kind: 'place',
    explains: ({ text }) => /[!&][\w!]*\s*(?:[#,}\]\n]|$)/.test(text),
    reason: 'Where a tag or an anchor stands before nothing, the key or the list that holds it is pointed at.',
    example: 'a: !!str',
  },
  'merged-twice': {
    kind: 'place',
    explains: ({ text }) => /<<\s*:[\s\S]*<<\s*:/.test(text),
    reason: 'A map with `<<` twice is refused; until then, the place of what both bring is in the first, whose value counts.',
    example: '<<: {a: 1}\n<<: {a: 1}',
  },
  separation: {
    kind: 'laxer',
    explains: matches(/must be separated from/),
    reason: 'js-yaml takes a bracket right after `!`, and `#` right after a bracket, which the library wants separated.',
    example: '{ a: !{ b: 1 } }',
  },
};

export function explanationsOfYaml(difference: YamlDifference): string[] {
  return Object.entries(knownYamlDifferences)
    .filter(([, { kind, explains }]) => kind === difference.kind && explains(difference))
    .map(([name]) => name);
}
