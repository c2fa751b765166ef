import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { type ConnectionOptions, connect as connectTls } from 'node:tls';
import { limits } from '#base/limits.ts';
import { alpn, extension, number, serverName, toRecords, vector, writeHello } from '#test/support/client-hellos.ts';
import { type ClientHello, ClientHelloReader, type ClientHelloReading } from './client-hello.ts';
import { type HelloFault, helloFaults } from './faults.ts';

function readWhole(bytes: Buffer): ClientHelloReading {
  return new ClientHelloReader().read(bytes, bytes.length);
}

/** What comes out when the bytes come one by one: the first reading that is not a wish for more. */
function readSlowly(bytes: Buffer): ClientHelloReading {
  const reader = new ClientHelloReader();
  for (let end = 0; end < bytes.length; end += 1) {
    const reading = reader.read(bytes, end);
    if (reading.kind !== 'more') return reading;
  }
  return reader.read(bytes, bytes.length);
}

const none: ClientHello = { serverName: undefined, alpnProtocols: [] };
const longName = `${'a'.repeat(63)}.example.com`;

const accepted: readonly [what: string, bytes: Buffer, hello: ClientHello][] = [
  ['a hello without extensions', toRecords(writeHello({ end: Buffer.alloc(0) })), none],
  ['a hello with an empty list of extensions', toRecords(writeHello()), none],
  ['extensions that mean nothing here', toRecords(writeHello({ extensions: [extension(0x0a0a, Buffer.of(1, 2))] })), none],
  [
    'a server name, in lower case',
    toRecords(writeHello({ extensions: [serverName('Shop.EXAMPLE.com')] })),
    { serverName: 'shop.example.com', alpnProtocols: [] },
  ],
  [
    'protocols in the order of the client',
    toRecords(writeHello({ extensions: [alpn('h2', 'http/1.1', '\x0a\x1a'), serverName(longName)] })),
    { serverName: longName, alpnProtocols: ['h2', 'http/1.1', '\n\x1a'] },
  ],
  [
    'a hello without session id',
    toRecords(writeHello({ sessionId: Buffer.alloc(0), extensions: [alpn('acme-tls/1')] })),
    { serverName: undefined, alpnProtocols: ['acme-tls/1'] },
  ],
  [
    'a hello with other records behind it',
    Buffer.concat([toRecords(writeHello({ extensions: [serverName('a.b')] })), Buffer.from('1703030001ff', 'hex')]),
    { serverName: 'a.b', alpnProtocols: [] },
  ],
  [
    'more of the handshake in the same record',
    toRecords(Buffer.concat([writeHello({ extensions: [serverName('a.b')] }), Buffer.of(1, 2)])),
    { serverName: 'a.b', alpnProtocols: [] },
  ],
  [
    'records of one byte',
    toRecords(writeHello({ extensions: [serverName('shop.example.com'), alpn('h2')] }), 1),
    { serverName: 'shop.example.com', alpnProtocols: ['h2'] },
  ],
  [
    'a record that ends in the middle of the length',
    toRecords(writeHello({ extensions: [serverName('shop.example.com')] }), 3),
    { serverName: 'shop.example.com', alpnProtocols: [] },
  ],
  [
    'the longest hello that this gateway takes',
    toRecords(longHello(limits.clientHelloBytesMax)),
    { serverName: 'a.b', alpnProtocols: [] },
  ],
];

function longHello(length: number): Buffer {
  const short = writeHello({ extensions: [serverName('a.b'), extension(21, Buffer.alloc(0))] });
  return writeHello({ extensions: [serverName('a.b'), extension(21, Buffer.alloc(length - short.length))] });
}

for (const [what, bytes, hello] of accepted) {
  test(`reads ${what}, whole and byte for byte`, () => {
    assert.deepEqual(readWhole(bytes), { kind: 'hello', hello });
    assert.deepEqual(readSlowly(bytes), { kind: 'hello', hello });
  });
}

test('waits for the last byte of a hello, however its records are cut', () => {
  const message = writeHello({ extensions: [serverName('shop.example.com')] });
  for (const fragmentBytesMax of [1, 2, 5, 50, 1 << 14]) {
    const bytes = toRecords(message, fragmentBytesMax);
    for (let end = 0; end < bytes.length; end += 1) {
      assert.equal(new ClientHelloReader().read(bytes, end).kind, 'more', `${end} bytes in records of ${fragmentBytesMax}`);
    }
  }
});

const refused: readonly [fault: HelloFault, what: string, bytes: Buffer][] = [
  ['notTls', 'HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
  ['notTls', 'an alert', Buffer.from('15030100020228', 'hex')],
  ['notTls', 'the hello of SSL 2', Buffer.from('802e0100020015000000100100800200', 'hex')],
  ['notTls', 'a record of a version that never was', Buffer.from('160201', 'hex')],
  ['notTls', 'another record in the middle', Buffer.concat([toRecords(writeHello().subarray(0, 9)), Buffer.of(23)])],
  ['recordLength', 'an empty record', Buffer.from('1603010000', 'hex')],
  ['recordLength', 'a record that is too long', Buffer.from('1603014001', 'hex')],
  ['notHello', 'a ServerHello', toRecords(Buffer.from('02000001ff', 'hex'))],
  ['tooLong', 'a hello that says it is very long', toRecords(Buffer.from('01ffffff', 'hex'))],
  ['tooLong', 'a hello that is a byte too long', toRecords(longHello(limits.clientHelloBytesMax + 1))],
  ['tooLong', 'a hello that is spread over too many records', toRecords(longHello(10_000), 1)],
  ['malformed', 'a hello that ends in the random number', toRecords(Buffer.from('010000030303ff', 'hex'))],
  ['malformed', 'a hello of nothing', toRecords(Buffer.from('01000000', 'hex'))],
  ['malformed', 'a session id that is longer than the hello', injureLengths(38, 0xff)],
  ['malformed', 'cipher suites that are longer than the hello', injureLengths(71, 0xff)],
  ['malformed', 'extensions that are longer than the hello', toRecords(writeHello({ end: vector('', 2, 1) }))],
  ['malformed', 'something behind the extensions', toRecords(writeHello({ end: Buffer.of(0, 0, 0) }))],
  ['malformed', 'half of a length', toRecords(writeHello({ end: Buffer.of(0) }))],
  ['malformed', 'an extension without length', toRecords(writeHello({ extensions: [number(16, 2)] }))],
  ['malformed', 'half of a type', toRecords(writeHello({ extensions: [Buffer.of(0)] }))],
  ['malformed', 'an extension that is longer than the list', toRecords(writeHello({ extensions: [Buffer.of(0, 9, 0, 1)] }))],
  ['malformed', 'an empty protocol', toRecords(writeHello({ extensions: [alpn('h2', '')] }))],
  ['malformed', 'protocols without a list', toRecords(writeHello({ extensions: [extension(16, Buffer.alloc(0))] }))],
  ['malformed', 'something behind the protocols', toRecords(writeHello({ extensions: [extension(16, Buffer.of(0, 0, 1))] }))],
  ['malformed', 'a protocol that is cut', toRecords(writeHello({ extensions: [extension(16, Buffer.of(0, 2, 2, 97))] }))],
  ['repeatedExtension', 'two server names', toRecords(writeHello({ extensions: [serverName('a'), serverName('b')] }))],
  [
    'repeatedExtension',
    'anything twice',
    toRecords(writeHello({ extensions: [extension(9, Buffer.alloc(0)), extension(9, Buffer.of(1))] })),
  ],
  ['serverName', 'an empty name', toRecords(writeHello({ extensions: [serverName('')] }))],
  ['serverName', 'a name with a NUL', toRecords(writeHello({ extensions: [serverName('a\0b')] }))],
  ['serverName', 'an empty list of names', toRecords(writeHello({ extensions: [extension(0, Buffer.of(0, 0))] }))],
  ['serverName', 'no list of names', toRecords(writeHello({ extensions: [extension(0, Buffer.alloc(0))] }))],
  ['serverName', 'a name of another type', toRecords(writeHello({ extensions: [extension(0, Buffer.of(0, 4, 1, 0, 1, 97))] }))],
  ['serverName', 'two names', toRecords(writeHello({ extensions: [extension(0, Buffer.of(0, 8, 0, 0, 1, 97, 0, 0, 1, 98))] }))],
  [
    'serverName',
    'something behind the names',
    toRecords(writeHello({ extensions: [extension(0, Buffer.of(0, 4, 0, 0, 1, 97, 0))] })),
  ],
];

/** A whole hello with one byte of its message changed. */
function injureLengths(at: number, byte: number): Buffer {
  const message = writeHello();
  message[at] = byte;
  return toRecords(message);
}

for (const [fault, what, bytes] of refused) {
  test(`refuses ${what}, whole and byte for byte`, () => {
    assert.deepEqual(readWhole(bytes), { kind: 'fault', fault });
    assert.deepEqual(readSlowly(bytes), { kind: 'fault', fault });
  });
}

test('every fault is met by a test', () => {
  assert.deepEqual(new Set(refused.map(([fault]) => fault)), new Set(Object.keys(helloFaults)));
});

/** The first bytes that a real TLS client sends. */
async function captureHello(options: ConnectionOptions): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  const client = connectTls({ ...options, host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  client.on('error', () => {
    // It is never answered.
  });
  const [socket] = (await accepted) as [Socket];
  const reader = new ClientHelloReader();
  let bytes = Buffer.alloc(0);
  for await (const chunk of socket) {
    bytes = Buffer.concat([bytes, chunk]);
    if (reader.read(bytes, bytes.length).kind !== 'more') break;
  }
  client.destroy();
  server.close();
  await once(server, 'close');
  return bytes;
}

test('reads the hellos of OpenSSL', async () => {
  const cases: [options: ConnectionOptions, hello: ClientHello][] = [
    [{ servername: 'shop.example.com' }, { serverName: 'shop.example.com', alpnProtocols: [] }],
    [
      { ALPNProtocols: ['h2', 'http/1.1'], maxVersion: 'TLSv1.2' },
      { serverName: undefined, alpnProtocols: ['h2', 'http/1.1'] },
    ],
    [
      { servername: 'a.b', ALPNProtocols: ['acme-tls/1'], minVersion: 'TLSv1.3' },
      { serverName: 'a.b', alpnProtocols: ['acme-tls/1'] },
    ],
  ];
  for (const [options, hello] of cases) assert.deepEqual(readWhole(await captureHello(options)), { kind: 'hello', hello });
});
