import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lineAt, scanSource } from './source-text.ts';

const cases = [
  { what: 'line comments', source: 'a(); // b()\nc();', code: 'a();       \nc();' },
  { what: 'block comments over lines', source: 'a /* x\ny */ b', code: 'a     \n     b' },
  { what: 'the contents of strings', source: "a('b(', \"c'\")", code: 'a(\'  \', "  ")' },
  { what: 'escaped quotes', source: "a('\\'b', c)", code: "a('   ', c)" },
  { what: 'the text of a template but not its expressions', source: '`a${b({ c: `d` })}e`', code: '` ${b({ c: ` ` })} `' },
  { what: 'regular expressions', source: 'x = /a"b\\/[/]/g.test(y)', code: 'x = /        /g.test(y)' },
  { what: 'regular expressions behind a word', source: 'return /"/.test(y)', code: 'return / /.test(y)' },
  { what: 'nothing of a division', source: 'a / b / c', code: 'a / b / c' },
  { what: 'nothing of a division behind a bracket', source: "f(a) / 2 + '/'", code: "f(a) / 2 + ' '" },
  { what: 'the first line of a script', source: '#!/usr/bin/env node\na', code: '                   \na' },
];

for (const { what, source, code } of cases) {
  test(`blanks ${what}`, () => {
    assert.equal(scanSource(source).code, code);
  });
}

test('keeps the text and place of each string', () => {
  assert.deepEqual(scanSource("import 'x';").strings, [{ start: 7, end: 10, text: 'x' }]);
});

test('counts lines from one', () => {
  assert.equal(lineAt('a\nb\nc', 0), 1);
  assert.equal(lineAt('a\nb\nc', 2), 2);
  assert.equal(lineAt('a\nb\nc', 4), 3);
});
