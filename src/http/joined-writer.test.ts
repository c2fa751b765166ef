import assert from 'node:assert/strict';
import test from 'node:test';
import type { ByteStream } from '#net/byte-stream.ts';
import { JoinedWriter } from './joined-writer.ts';

test('an empty piece of a chunked body is not written, because it would end the body', () => {
  const written: string[] = [];
  const stream = { write: (text: string) => written.push(text) > 0 };
  const writer = new JoinedWriter(stream as unknown as ByteStream);
  writer.append('head');
  writer.writeBody(Buffer.from('ab'), true);
  writer.writeBody(Buffer.alloc(0), true);
  writer.writeBody(Buffer.from('c'), true);
  writer.flush();
  assert.deepEqual(written, ['head2\r\nab\r\n1\r\nc\r\n']);
});
