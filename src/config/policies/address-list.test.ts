import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr } from '#base/cidr-text.ts';
import { limits } from '#base/limits.ts';
import { runAtOnce } from '#base/slices.ts';
import { readAddressList } from './address-list.ts';

const read = (text: string) => runAtOnce(readAddressList(text));
const show = (text: string) => read(text).ranges.map(({ range, line }) => `${line} ${formatCidr(range)}`);
const mistakesOf = (text: string) => read(text).mistakes.map(({ line, column, problem }) => `${line}:${column} ${problem}`);

test('reads one address or range on each line, and nothing of comments and empty lines', () => {
  const text = '\ufeff# Known bad\n192.0.2.7\r\n\n  10.0.0.0/8  # our own\n\t2001:DB8::/32#x\n#\n::ffff:198.51.100.1';
  assert.deepEqual(show(text), ['2 192.0.2.7', '4 10.0.0.0/8', '5 2001:db8::/32', '7 198.51.100.1']);
  assert.deepEqual(mistakesOf(text), []);
});

test('says what is wrong with each line, and where', () => {
  assert.deepEqual(mistakesOf('10.0.0.1\n  10.0.0.1/8\n10.0.0.1 10.0.0.2\n10.0.0.0/8 # fine\n\tx # why'), [
    '2:3 "10.0.0.1/8" has bits of its address set behind the prefix length; write `10.0.0.0/8` for the range or `10.0.0.1` for the one address',
    '3:1 "10.0.0.1 10.0.0.2" is not an address or range; write `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.7`',
    '5:2 "x" is not an address or range; write `10.0.0.0/8`, `2001:db8::/32` or `192.0.2.7`',
  ]);
});

test('refuses an empty file, and takes a list without addresses that says so', () => {
  for (const text of ['', '\n \r\n', '\ufeff'])
    assert.deepEqual(mistakesOf(text), ['1:1 the file is empty; write a comment (`# none`) for a list without addresses']);
  assert.deepEqual([show('# none'), mistakesOf('# none')], [[], []]);
});

test('tells the first mistakes only, and how many there are', () => {
  const { mistakes, mistakeCount } = read('<html>\n'.repeat(limits.addressListMistakesTold + 5));
  assert.deepEqual([mistakes.length, mistakeCount], [limits.addressListMistakesTold, limits.addressListMistakesTold + 5]);
});

test('takes as many entries as the limit says and not one more', () => {
  const most = '192.0.2.1\n'.repeat(limits.addressListEntriesMax);
  assert.deepEqual(mistakesOf(most), []);
  assert.deepEqual(mistakesOf(`${most}192.0.2.1\n192.0.2.1\n`), [
    `${limits.addressListEntriesMax + 1}:1 there are more than ${limits.addressListEntriesMax} entries; join blocks, or leave some out`,
  ]);
});
