import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackDecoder } from './decoder.ts';
import { BLOCK_START_BYTES_MAX, encodedBytesMax, HpackEncoder } from './encoder.ts';

const AT = 3;

/** The block as the encoder wrote it, in a buffer of exactly the room that it asks for. */
function encodeBlock(encoder: HpackEncoder, fields: readonly string[]): Buffer {
  let room = AT + BLOCK_START_BYTES_MAX;
  for (let i = 0; i < fields.length; i += 2) room += encodedBytesMax(fields[i]!, fields[i + 1]!);
  const into = Buffer.alloc(room);
  let end = encoder.beginBlock(into, AT);
  for (let i = 0; i < fields.length; i += 2) {
    const isStatus = fields[i] === ':status';
    end = isStatus
      ? encoder.encodeStatus(Number(fields[i + 1]), into, end)
      : encoder.encodeField(fields[i]!, fields[i + 1]!, into, end);
  }
  assert.ok(end <= room);
  return into.subarray(AT, end);
}

function encodeHex(encoder: HpackEncoder, ...fields: string[]): string {
  return encodeBlock(encoder, fields).toString('hex');
}

/** Encoder and decoder of one connection; what comes out must be what went in. */
class Connection {
  readonly encoder = new HpackEncoder();
  readonly #decoder = new HpackDecoder({ tableBytesMax: 4096, listBytesMax: 1_000_000, fieldCountMax: 1_000 });

  /** Returns how many bytes it took. */
  send(...fields: string[]): number {
    const block = encodeBlock(this.encoder, fields);
    const received: string[] = [];
    assert.equal(this.#decoder.decode(block, 0, block.length, received), 'ok');
    assert.deepEqual(received, fields);
    return block.length;
  }
}

test('encodes the examples C.4 and C.6 of RFC 7541, but for what it indexes', () => {
  const encoder = new HpackEncoder();
  const first = encodeHex(encoder, ':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com');
  assert.equal(first, '828684418cf1e3c2e5f23a6ba0ab90f4ff');
  assert.equal(encodeHex(encoder, ':authority', 'www.example.com', 'cache-control', 'no-cache'), 'be5886a8eb10649cbf');
  const custom = encodeHex(encoder, ':scheme', 'https', ':path', '/index.html', 'custom-key', 'custom-value');
  assert.equal(custom, '8785408825a849e95ba97d7f8925a849e95bb8e8b4bf');
  const answer = encodeHex(new HpackEncoder(), ':status', '302', 'date', 'Mon, 21 Oct 2013 20:13:21 GMT');
  assert.equal(answer, '488264026196d07abe941054d444a8200595040b8166e082a62d1bff');
});

test('a status of the static table is one byte; another one is as soon as it is repeated', () => {
  const encoder = new HpackEncoder();
  for (const [status, hex] of Object.entries({ 200: '88', 204: '89', 206: '8a', 304: '8b', 400: '8c', 404: '8d', 500: '8e' })) {
    assert.equal(encodeHex(encoder, ':status', status), hex);
  }
  assert.equal(encodeHex(encoder, ':status', '503'), '4803353033');
  assert.equal(encodeHex(encoder, ':status', '503'), 'be');
});

test('a text is compressed when that makes it shorter, and only then', () => {
  const plain = (value: string) => encodeHex(new HpackEncoder(), 'age', value);
  // Four digits of five bits are three bytes; two digits are two.
  assert.equal(plain('0000'), '558300000f');
  assert.equal(plain('00'), '55023030');
  assert.equal(plain('\xff\xfe'), '5502fffe');
});

test('texts of all lengths around those of one and two bytes arrive', () => {
  const connection = new Connection();
  for (const length of [0, 1, 126, 127, 128, 129, 254, 255, 256, 4096, 20_000]) {
    connection.send('x', '~'.repeat(length));
    connection.send('x', 'e'.repeat(length));
    connection.send('n'.repeat(length), 'x');
  }
});

test('every byte arrives, in any company', () => {
  const connection = new Connection();
  const all = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
  for (const char of all) {
    for (const around of ['', 'e', 'eee', '0', '\x00', '~', '\xf9'])
      connection.send('x', `eeeeeeeeeeeeeee${around}${char}${around}${char}`);
  }
  connection.send('x', all.join(''));
});

const answer = [
  ...[':status', '200', 'content-type', 'application/json', 'server', 'orders', 'cache-control', 'no-store'],
  ...['date', 'Tue, 04 Nov 2025 10:00:00 GMT', 'x-powered-by', 'gatehouse', 'content-length', '106', 'etag', '"690860c0"'],
];

test('a repeated answer takes one byte for each field', () => {
  const connection = new Connection();
  assert.ok(connection.send(...answer) > 5 * answer.length);
  assert.equal(connection.send(...answer), answer.length / 2);
});

test('a date that changes after several answers is indexed each time', () => {
  const connection = new Connection();
  for (let second = 10; second < 60; second++) {
    const date = `Tue, 04 Nov 2025 10:00:${second} GMT`;
    connection.send('date', date);
    assert.equal(connection.send('date', date), 1);
  }
});

test('a value that is always another is not indexed, costs no more than itself and its name, and pushes nothing out', () => {
  const connection = new Connection();
  connection.send(...answer);
  for (let count = 0; count < 1_000; count++) {
    const id = `${count}`.padStart(20, '~');
    const bytes = connection.send(...answer, 'x-request-id', id);
    if (count > 0) assert.ok(bytes <= answer.length / 2 + 3 + id.length, `${bytes} bytes for answer ${count}`);
  }
});

test('a length that is always another is tried once in 32 times', () => {
  const encoder = new HpackEncoder();
  let indexedCount = 0;
  for (let length = 1_000; length < 1_640; length++) {
    if ((Number.parseInt(encodeHex(encoder, 'content-length', `${length}`).slice(0, 2), 16) & 0xc0) === 0x40) indexedCount++;
  }
  assert.equal(indexedCount, 2 + 640 / 32);
});

test('a value that stops changing is found out within 32 answers', () => {
  const connection = new Connection();
  for (let count = 0; count < 100; count++) connection.send('x-shard', `shard-${count}`);
  let count = 0;
  while (connection.send('x-shard', 'shard-of-all') > 1) count++;
  assert.ok(count <= 32, `${count}`);
});

test('four values that take turns are all found, however often', () => {
  const connection = new Connection();
  const types = ['text/html', 'text/css', 'image/png', 'application/json'];
  for (const type of types.slice(0, 2)) connection.send('content-type', type);
  connection.send('content-type', types[0]!);
  for (const type of types.slice(2)) connection.send('content-type', type);
  for (let count = 0; count < 40; count++) assert.equal(connection.send('content-type', types[count % 4]!), 1);
});

test('secrets are never indexed, here or at the next hop', () => {
  const encoder = new HpackEncoder();
  const names = ['set-cookie', 'cookie', 'authorization', 'proxy-authorization', 'x-api-key', 'x-csrf-token', 'x-session-id'];
  for (const name of names) {
    for (let count = 0; count < 3; count++) {
      const first = Number.parseInt(encodeHex(encoder, name, 'short').slice(0, 2), 16);
      assert.equal(first & 0xf0, 0x10, name);
    }
  }
  // Names that only look alike.
  for (const name of ['www-authenticate', 'author', 'x-keyboard']) {
    encodeHex(encoder, name, 'short');
    assert.equal(encodeHex(encoder, name, 'short').length, 2, name);
  }
});

test('an entry of three quarters of the table is indexed, a larger one is not', () => {
  const connection = new Connection();
  const fit = 'x'.repeat((4096 * 3) / 4 - 32 - 1);
  connection.send('n', fit);
  assert.equal(connection.send('n', fit), 1);
  connection.send('n', `${fit}x`);
  assert.ok(connection.send('n', `${fit}x`) > 1_000);
});

test('a name of 64 bytes is indexed, a longer one is treated as a secret', () => {
  const encoder = new HpackEncoder();
  const name = 'n'.repeat(64);
  encodeHex(encoder, name, '1');
  assert.equal(encodeHex(encoder, name, '1'), 'be');
  assert.equal(encodeHex(encoder, `${name}n`, '1').slice(0, 2), '10');
  assert.equal(encodeHex(encoder, `${name}n`, '1').slice(0, 2), '10');
});

test('more names than are remembered are still encoded', () => {
  const connection = new Connection();
  for (let round = 0; round < 3; round++) {
    for (let count = 0; count < 200; count++) connection.send(`name-${count}`, 'value');
  }
});

test('says nothing of a size that has not changed', () => {
  const encoder = new HpackEncoder();
  encoder.setTableBytesMax(4096);
  assert.equal(encodeHex(encoder), '');
  // Ours stays as it is when the peer allows more.
  encoder.setTableBytesMax(65_536);
  assert.equal(encodeHex(encoder), '');
});

test('says once, at the beginning of the next block, how large its table has become', () => {
  const encoder = new HpackEncoder();
  encodeHex(encoder, 'x-a', '1', 'x-b', '2');
  encoder.setTableBytesMax(36);
  assert.equal(encodeHex(encoder, ':status', '200'), '3f0588');
  assert.equal(encodeHex(encoder, ':status', '200'), '88');
  encoder.setTableBytesMax(0);
  assert.equal(encodeHex(encoder), '20');
  encoder.setTableBytesMax(1_000_000);
  assert.equal(encodeHex(encoder), '3fe11f');
});

test('encodes the integers of the examples C.1 of RFC 7541', () => {
  const encoder = new HpackEncoder();
  encoder.setTableBytesMax(10);
  assert.equal(encodeHex(encoder), '2a');
  encoder.setTableBytesMax(1337);
  assert.equal(encodeHex(encoder), '3f9a0a');
});

test('says the smallest size in between as well', () => {
  const encoder = new HpackEncoder();
  encoder.setTableBytesMax(100);
  encoder.setTableBytesMax(0);
  encoder.setTableBytesMax(50);
  assert.equal(encodeHex(encoder), '203f13');
  encoder.setTableBytesMax(0);
  encoder.setTableBytesMax(50);
  assert.equal(encodeHex(encoder), '203f13');
  encoder.setTableBytesMax(60);
  encoder.setTableBytesMax(70);
  // Also when all of them are larger than before.
  assert.equal(encodeHex(encoder), '3f1d3f27');
});

test('begins with a table of its own size when that is not the one of the protocol', () => {
  assert.equal(encodeHex(new HpackEncoder(100)), '3f45');
  assert.equal(encodeHex(new HpackEncoder(4096)), '');
  assert.equal(encodeHex(new HpackEncoder(10_000)), '');
  const encoder = new HpackEncoder(100);
  encoder.setTableBytesMax(4096);
  assert.equal(encodeHex(encoder), '3f45');
});

test('stays in step while the table shrinks and grows', () => {
  const connection = new Connection();
  for (const bytes of [4096, 200, 0, 100, 4096, 36, 40, 0]) {
    connection.encoder.setTableBytesMax(bytes);
    for (let count = 0; count < 5; count++) connection.send(...answer, 'x-count', `${count}`);
  }
});

test('without a table nothing is indexed', () => {
  const encoder = new HpackEncoder(0);
  encodeHex(encoder);
  for (let count = 0; count < 3; count++) assert.equal(encodeHex(encoder, 'x-a', '1'), '0003782d610131');
});
