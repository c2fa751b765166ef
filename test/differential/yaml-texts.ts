/** Random texts that are nearly YAML. */
import fc from 'fast-check';

/** What decides how a text is read. */
const fragments = [
  ...['a', 'b', 'k: ', 'k:', 'k:\n', 'a: 1\n', '- ', '-', '- a\n', '\n', '\n  ', '\n    ', '\n\t', '\t', ' ', '  ', '\r\n'],
  ...['{', '}', '[', ']', '{ ', ' }', '{a: 1}', '[a, b]', ', ', ',', ': ', ':', '? ', '?', '"a": ', '"<<": ', '__proto__: '],
  ...['&x ', '&y ', '*x', '*y', '*x ', '<<: ', '<<', '!!str ', '!!int ', '!!float ', '!!map ', '!!seq ', '!t ', '!'],
  ...['"', "'", '"q"', "'s'", '|\n', '|-\n', '>\n', '|2\n', '>+\n', '# c', '#', '\n# c\n', '---', '---\n', '...\n'],
  ...['%YAML 1.2\n---\n', '1', '0', '1.5', '0x1F', '0o17', '-0', '1e3', '.inf', '.nan', '~', 'null', 'true', '\uFEFF'],
  ...['\\', '\\n', '\\u0041', '\u00e9', '\u{1F600}', '@', '`', '%'],
];

const arbitraryFragment = fc.constantFrom(...fragments);

export const arbitraryFragments: fc.Arbitrary<string> = fc
  .array(arbitraryFragment, { minLength: 1, maxLength: 10 })
  .map((parts) => parts.join(''));

/** Shares of a text's length say where, so that they fit every text. */
const arbitraryShare = fc.double({ min: 0, max: 1, noNaN: true });

const arbitraryInjury = fc.oneof(
  fc.tuple(arbitraryShare, arbitraryFragment).map(([share, fragment]) => (text: string) => {
    const at = Math.floor(share * text.length);
    return text.slice(0, at) + fragment + text.slice(at);
  }),
  fc.tuple(arbitraryShare, fc.integer({ min: 1, max: 5 })).map(([share, length]) => (text: string) => {
    const at = Math.floor(share * text.length);
    return text.slice(0, at) + text.slice(at + length);
  }),
  fc.tuple(arbitraryShare, arbitraryShare, fc.integer({ min: 1, max: 30 })).map(([to, from, length]) => (text: string) => {
    const at = Math.floor(to * text.length);
    const start = Math.floor(from * text.length);
    return text.slice(0, at) + text.slice(start, start + length) + text.slice(at);
  }),
);

/** With one to four things put in, taken out or repeated elsewhere. */
export function injure(whole: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .tuple(whole, fc.array(arbitraryInjury, { minLength: 1, maxLength: 4 }))
    .map(([text, injuries]) => injuries.reduce((injured, injury) => injury(injured), text));
}
