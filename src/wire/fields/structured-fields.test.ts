import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatInnerList, isInnerList, parseDictionary } from './structured-fields.ts';

test('reads members of every kind, and writes a list as it was', () => {
  const text = '("@method" "a-b";sf "q\\"\\\\");created=1618884473;keyid="a b";alg=hmac;x;y=?0;z=:AAEC:;n=-7';
  const members = parseDictionary(`sig1=${text},  other=:YQ==:, flag, flagged;a=1`);
  assert.deepEqual([...(members?.keys() ?? [])], ['sig1', 'other', 'flag', 'flagged']);
  const list = members?.get('sig1');
  assert.ok(list !== undefined && isInnerList(list));
  assert.equal(formatInnerList(list), text);
  assert.deepEqual(members?.get('other'), { value: { kind: 'bytes', value: Buffer.from('a') }, parameters: new Map() });
});

test('brings what may be written in several ways into one form', () => {
  const list = parseDictionary('  a=(  "b"   "c"  );  d=?1;e=1  ')?.get('a');
  assert.ok(list !== undefined && isInnerList(list));
  assert.equal(formatInnerList(list), '("b" "c");d;e=1');
});

test('what the grammar does not allow is no dictionary', () => {
  for (const text of [
    '',
    ' ',
    ',',
    'a=1,',
    ',a=1',
    'A=1',
    'a=',
    'a==1',
    'a=1 b=2',
    'a=1;',
    'a=(',
    'a=("b"',
    'a=("b""c")',
    'a=("b")("c")',
    'a=(("b"))',
    'a="b',
    'a="b\\c"',
    'a="ä"',
    'a=:YQ=:',
    'a=:Y Q:',
    'a=:YQ==',
    'a=?2',
    'a=1.',
    'a=1.2345',
    'a=1.5.2',
    'a=1234567890123456',
    'a=-',
    'a=1;B=1',
    'a=1,a=2',
    'a=1;b;b',
    `a=(${'"x" '.repeat(65)})`,
    Array.from({ length: 33 }, (_, i) => `a${i}=1`).join(','),
    `a=1${Array.from({ length: 17 }, (_, i) => `;b${i}`).join('')}`,
  ])
    assert.equal(parseDictionary(text), undefined, text);
});

test('a text that is cut off anywhere throws nothing', () => {
  const text = 'sig1=("@method" "a";sf);created=1;keyid="k\\"";z=:AAEC:, b=?1;c';
  for (let end = 0; end < text.length; end++) parseDictionary(text.slice(0, end));
  assert.notEqual(parseDictionary(text), undefined);
});

test('numbers with a fraction are told from whole ones', () => {
  const members = parseDictionary('a=1.5, b=-10.125, c=15');
  assert.deepEqual(
    ['a', 'b', 'c'].map((key) => (members!.get(key) as { value: unknown }).value),
    [
      { kind: 'decimal', value: '1.5' },
      { kind: 'decimal', value: '-10.125' },
      { kind: 'integer', value: 15 },
    ],
  );
});

test('of members with one name the last one counts where RFC 9651 has its way', () => {
  const members = parseDictionary('a=1, b=2, a=3', 'last');
  assert.deepEqual([...members!.keys()], ['a', 'b']);
  assert.deepEqual((members!.get('a') as { value: unknown }).value, { kind: 'integer', value: 3 });
});
