import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFormParts } from './form-parts.ts';

const TYPE = 'multipart/form-data; boundary=x-y';
const part = (fields: string, body: string) => `--x-y\r\n${fields}\r\n\r\n${body}\r\n`;
const named = (name: string) => `Content-Disposition: form-data; name="${name}"`;
const END = '--x-y--\r\n';

function read(text: string, contentType = TYPE): unknown {
  const parts = readFormParts(contentType, Buffer.from(text));
  if (typeof parts === 'string') return parts;
  return parts.map(({ name, filename, contentType: type, bytes }) => [name, filename, type, bytes.toString()]);
}

test('gives the parts as they are written', () => {
  const file = `${named('photo')}; filename="a b.png"\r\nContent-Type: image/png`;
  const body = `${part(named('title'), 'Sea')}${part(file, 'a\r\n--x\r\n--x-')}${part(named('empty'), '')}${END}`;
  assert.deepEqual(read(body), [
    ['title', undefined, undefined, 'Sea'],
    ['photo', 'a b.png', 'image/png', 'a\r\n--x\r\n--x-'],
    ['empty', undefined, undefined, ''],
  ]);
  assert.deepEqual(read(END), []);
  assert.deepEqual(read('--x-y--'), []);
});

test('takes a boundary in quotes, and names with what browsers escape', () => {
  const body = `--a b:c\r\n${named('a%22b%0D%0A\\"')}\r\n\r\n1\r\n--a b:c--`;
  assert.deepEqual(read(body, 'Multipart/Form-Data; charset=utf-8; Boundary="a b:c"'), [['a"b\r\n"', undefined, undefined, '1']]);
});

const refused: readonly (readonly [fault: string, body: string, contentType?: string])[] = [
  ['boundary', END, 'multipart/form-data'],
  ['boundary', END, 'multipart/form-data; boundary='],
  ['boundary', END, `multipart/form-data; boundary=${'x'.repeat(71)}`],
  ['boundary', END, 'multipart/form-data; boundary=x-y; boundary=z'],
  ['boundary', END, 'multipart/form-data; boundary=x-y; boundary*=z'],
  ['preamble', ''],
  ['preamble', `hello\r\n${END}`],
  ['preamble', `\r\n${END}`],
  ['delimiter', `--x-y \r\n${named('a')}\r\n\r\n1\r\n${END}`],
  ['delimiter', `--x-yz\r\n${named('a')}\r\n\r\n1\r\n${END}`],
  ['unfinished', part(named('a'), '1')],
  ['unfinished', '--x-y\r\n'],
  ['epilogue', `${END}more`],
  ['field', `--x-y\r\nno field\r\n\r\n1\r\n${END}`],
  ['field', part(`${named('a')}\r\n${named('b')}`, '1') + END],
  ['field', part(`${named('a')}\r\n folded`, '1') + END],
  ['field', part(`${named('a')}\nx: y`, '1') + END],
  ['field', part(`${named('a')}\r\nx: ${'y'.repeat(9_000)}`, '1') + END],
  ['disposition', part('content-type: text/plain', '1') + END],
  ['disposition', part('content-disposition: attachment; name="a"', '1') + END],
  ['disposition', part('content-disposition: form-data; filename="a"', '1') + END],
  ['disposition', part(`${named('a')}; name="b"`, '1') + END],
  ['disposition', part(`${named('a')}; filename*=utf-8''b`, '1') + END],
  ['disposition', part('content-disposition: form-data; name=a', '1') + END],
  ['transfer-encoding', part(`${named('a')}\r\ncontent-transfer-encoding: base64`, '1') + END],
  ['too-many', part(named('a'), '1').repeat(1_001) + END],
];

for (const [fault, body, contentType] of refused)
  test(`refuses ${JSON.stringify(`${contentType ?? ''}${body}`.slice(0, 70))}: ${fault}`, () => {
    assert.equal(read(body, contentType), fault);
  });
