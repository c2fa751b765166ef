import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fuzzParameters } from '#test/support/fuzz-parameters.ts';
import { readFormParts } from './form-parts.ts';

test('what a browser writes is read as it was meant', async (t) => {
  const arbitrary = fc.array(
    fc.tuple(fc.string({ unit: 'binary', maxLength: 8 }), fc.string({ unit: 'binary', maxLength: 40 })),
    {
      maxLength: 5,
    },
  );
  await fc.assert(
    fc.asyncProperty(arbitrary, async (entries) => {
      const form = new FormData();
      // Readers in C end a name at a zero, and a backslash means different things to different ones.
      const named = entries.map(([name, value]) => [name.replace(/[\0\\]/g, '/'), value] as const);
      for (const [name, value] of named) form.append(name, value);
      const response = new Response(form);
      const contentType = response.headers.get('content-type')!;
      const body = Buffer.from(await response.arrayBuffer());
      const parts = readFormParts(contentType, body);
      assert.ok(typeof parts !== 'string', String(parts));
      // Lines of names and values end as those of mails do.
      const toLines = (text: string) => text.toWellFormed().replace(/\r?\n|\r/g, '\r\n');
      assert.deepEqual(
        parts.map(({ name, bytes }) => [name, bytes.toString()]),
        named.map(([name, value]) => [toLines(name), toLines(value)]),
      );
    }),
    fuzzParameters(t),
  );
});

test('whatever bytes come, parts lie within them and do not overlap', (t) => {
  const pieces = fc.constantFrom(
    '--x',
    '\r\n',
    '--',
    'content-disposition: form-data; name="a"',
    ':',
    '\n',
    '"',
    ' ',
    'x',
    '\r\n\r\n',
  );
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (texts) => {
      const body = Buffer.from(texts.join(''));
      const parts = readFormParts('multipart/form-data; boundary=x', body);
      if (typeof parts === 'string') return;
      let end = body.byteOffset;
      for (const { bytes } of parts) {
        assert.ok(bytes.byteOffset >= end);
        end = bytes.byteOffset + bytes.length;
      }
      assert.ok(end <= body.byteOffset + body.length);
    }),
    fuzzParameters(t),
  );
});
