import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HpackDecoder, type HpackDecoderLimits, type HpackOutcome } from './decoder.ts';

const generous: HpackDecoderLimits = { tableBytesMax: 4096, listBytesMax: 64 * 1024, fieldCountMax: 128 };

function newDecoder(given: Partial<HpackDecoderLimits> = {}): HpackDecoder {
  return new HpackDecoder({ ...generous, ...given });
}

function decodeHex(decoder: HpackDecoder, hex: string): { outcome: HpackOutcome; fields: string[] } {
  const block = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const fields: string[] = [];
  // Bytes around the block must make no difference.
  const bytes = Buffer.concat([Buffer.from([0xff]), block, Buffer.from([0xff, 0xff, 0x00])]);
  return { outcome: decoder.decode(bytes, 1, 1 + block.length, fields), fields };
}

function hexOf(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}

/** A literal with a name and a value of less than 127 bytes, not compressed. */
function literal(pattern: number, name: string, value: string): string {
  const lengths = [name.length, value.length].map((length) => length.toString(16).padStart(2, '0'));
  return pattern.toString(16).padStart(2, '0') + lengths[0] + hexOf(name) + lengths[1] + hexOf(value);
}
const indexing = (name: string, value: string) => literal(0x40, name, value);
const notIndexing = (name: string, value: string) => literal(0x00, name, value);

interface Example {
  readonly name: string;
  readonly blocks: readonly (readonly [hex: string, fields: readonly string[]])[];
}

const requests = [
  [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com'],
  [':method', 'GET', ':scheme', 'http', ':path', '/', ':authority', 'www.example.com', 'cache-control', 'no-cache'],
  [
    ...[':method', 'GET', ':scheme', 'https', ':path', '/index.html', ':authority', 'www.example.com'],
    ...['custom-key', 'custom-value'],
  ],
] as const;
const shared = (date: string) => ['cache-control', 'private', 'date', date, 'location', 'https://www.example.com'];
const answers = [
  [':status', '302', ...shared('Mon, 21 Oct 2013 20:13:21 GMT')],
  [':status', '307', ...shared('Mon, 21 Oct 2013 20:13:21 GMT')],
  [
    ...[':status', '200', 'cache-control', 'private', 'date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
    ...['location', 'https://www.example.com', 'content-encoding', 'gzip'],
    ...['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
  ],
] as const;

/** RFC 7541 appendix C. In C.5 and C.6 the table has 256 bytes, which the first block says here. */
const examples: readonly Example[] = [
  {
    name: 'C.2.1',
    blocks: [['400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572', ['custom-key', 'custom-header']]],
  },
  { name: 'C.2.2', blocks: [['040c 2f73 616d 706c 652f 7061 7468', [':path', '/sample/path']]] },
  { name: 'C.2.3', blocks: [['1008 7061 7373 776f 7264 0673 6563 7265 74', ['password', 'secret']]] },
  { name: 'C.2.4', blocks: [['82', [':method', 'GET']]] },
  {
    name: 'C.3',
    blocks: [
      ['8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d', requests[0]],
      ['8286 84be 5808 6e6f 2d63 6163 6865', requests[1]],
      ['8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65', requests[2]],
    ],
  },
  {
    name: 'C.4',
    blocks: [
      ['8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff', requests[0]],
      ['8286 84be 5886 a8eb 1064 9cbf', requests[1]],
      ['8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf', requests[2]],
    ],
  },
  {
    name: 'C.5',
    blocks: [
      [
        `3fe101 4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a
         3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d`,
        answers[0],
      ],
      ['4803 3330 37c1 c0bf', answers[1]],
      [
        `88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a
         6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d
         6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31`,
        answers[2],
      ],
    ],
  },
  {
    name: 'C.6',
    blocks: [
      [
        `3fe101 4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e
         919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3`,
        answers[0],
      ],
      ['4883 640e ffc1 c0bf', answers[1]],
      [
        `88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d
         d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106
         3d50 07`,
        answers[2],
      ],
    ],
  },
];

for (const { name, blocks } of examples) {
  test(`decodes the example ${name} of RFC 7541`, () => {
    const decoder = newDecoder();
    for (const [hex, fields] of blocks) {
      assert.deepEqual(decodeHex(decoder, hex.replaceAll(/\s/g, '')), { outcome: 'ok', fields });
    }
  });
}

test('an empty block has no fields', () => {
  assert.deepEqual(decodeHex(newDecoder(), ''), { outcome: 'ok', fields: [] });
});

test('appends to the list it was given', () => {
  const fields = ['a', 'b'];
  assert.equal(newDecoder({ fieldCountMax: 1 }).decode(Buffer.from([0x82]), 0, 1, fields), 'ok');
  assert.deepEqual(fields, ['a', 'b', ':method', 'GET']);
});

test('every byte comes through as one latin1 character', () => {
  const text = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));
  for (const value of text) assert.deepEqual(decodeHex(newDecoder(), notIndexing('x', value)).fields, ['x', value]);
});

/** All bytes in their order in the code of RFC 7541 appendix B, as another implementation (hpack 4.2.0 for Python) writes them. */
const everyByte = `
  ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabffffffdfffffebfffffecfffffedfffffe
  efffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffffd7fffffdbfffffdffffffe3fffffe7fffffebfffffed4fe3f9ffaffcabf1febf
  afefe7fdfd2cbb00089969b71d79fb9f7fff20ffbff3ff50ddbd7f061c58f265cd9f469d5af66dddbf871e5f9cff7ff7fffc3ff9ffe45fff4719242c
  b34e6e9d68a6a3d7dac426defe3cfaf7fffbfe7ffbffdffffffcfffe6ffff4bfff9ffffa3fffd3ffff53fffd5ffffb3fffeb7fffdaffffb7ffff73ff
  feeffffdeffffebffffbfffffd9ffffdbfffebffffe0ffffeeffffc3ffff8bffff1ffffe4fffee7fffb1ffff97fffd9ffffcdffff9fffffbffffdaff
  feeffff4ffffb7fffee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1fffdfffff7fffff5ffffecffff07fff87fffe0ffff17fffedffff87ffff77
  fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff1fffff83ffffe1fffebfffe3ffff3fffff2ffffa3ffffd9fffff17ffffc7fffff27ffffd
  efffffbffffff2fffff8fffffb7fff97fff8fffffe6fffffc1fffff87ffffe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9
  fffff97fffb3ffffcffffb7fffcdffff4ffff9ffffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffffa7ffffd7fffff9bffffecfff
  ffb7fffff3fffffe8fffffd3fffffabfffff5fffffff7ffffecfffffdbfffffbbfffff7ffffff0fffffbbf
`;

test('knows the code of every byte', () => {
  const { fields } = decodeHex(newDecoder(), `000178ffc803${everyByte}`.replaceAll(/\s/g, ''));
  assert.deepEqual(fields, ['x', Buffer.from(Array.from({ length: 256 }, (_, code) => code)).latin1Slice()]);
});

test('decodes texts of all lengths around one byte of a length, and longer than any buffer kept for it', () => {
  for (const length of [0, 126, 127, 128, 254, 255, 10_000]) {
    const rest = length - 127;
    const size = length < 127 ? [length] : rest < 128 ? [127, rest] : [127, (rest & 0x7f) | 0x80, rest >> 7];
    const plain = Buffer.concat([Buffer.from([0x00, 1, 0x78, ...size]), Buffer.alloc(length, 'a')]);
    assert.deepEqual(decodeHex(newDecoder(), plain.toString('hex')), { outcome: 'ok', fields: ['x', 'a'.repeat(length)] });
  }
  // Five bytes of zeros are `0` eight times; the length is 127 + 0x09 + 0x26 * 128.
  const zeros = decodeHex(newDecoder(), `000178ff8926${'00'.repeat(5000)}`);
  assert.deepEqual(zeros, { outcome: 'ok', fields: ['x', '0'.repeat(8000)] });
});

const repeated = `${indexing('x-a', '1')}${indexing('x-b', '2')}`;

test('an entry stays until the table is full, and goes with the first byte too many', () => {
  // Two entries of 36 bytes each.
  const within = newDecoder();
  decodeHex(within, `3f29${repeated}`);
  assert.deepEqual(decodeHex(within, 'bf'), { outcome: 'ok', fields: ['x-a', '1'] });
  const beyond = newDecoder();
  decodeHex(beyond, `3f28${repeated}`);
  assert.deepEqual(decodeHex(beyond, 'bf'), { outcome: 'malformed', fields: [] });
});

test('an entry as large as the table fills it alone; a larger one empties it and is still a field', () => {
  const exact = newDecoder();
  assert.equal(decodeHex(exact, `3f05 ${indexing('x-a', '1')}`).outcome, 'ok');
  assert.deepEqual(decodeHex(exact, 'be').fields, ['x-a', '1']);
  assert.deepEqual(decodeHex(exact, indexing('x-a', '22')), { outcome: 'ok', fields: ['x-a', '22'] });
  assert.deepEqual(decodeHex(exact, 'be'), { outcome: 'malformed', fields: [] });
});

test('a name may come from the entry that its own field pushes out', () => {
  const decoder = newDecoder();
  decodeHex(decoder, `3f05${indexing('x-a', '1')}`);
  assert.deepEqual(decodeHex(decoder, '7e0132').fields, ['x-a', '2']);
  assert.deepEqual(decodeHex(decoder, 'be').fields, ['x-a', '2']);
});

test('as many entries as the table can hold keep their order', () => {
  const decoder = newDecoder();
  // Empty ones, of 32 bytes each; then those of 36 bytes, of which there are fewer.
  for (let count = 0; count < 128; count++) decodeHex(decoder, indexing('', ''));
  assert.equal(decodeHex(decoder, 'ff3e').outcome, 'ok');
  assert.equal(decodeHex(decoder, 'ff3f').outcome, 'malformed');
  for (let count = 0; count < 500; count++) decodeHex(decoder, indexing('n', `${count}`));
  const last = decodeHex(decoder, 'bebfff00');
  assert.deepEqual(last.fields, ['n', '499', 'n', '498', 'n', '434']);
});

test('literals that are not to be indexed leave the table alone', () => {
  const decoder = newDecoder();
  decodeHex(decoder, notIndexing('x', '1') + literal(0x10, 'x', '2'));
  assert.equal(decodeHex(decoder, 'be').outcome, 'malformed');
});

test('the table may be emptied and used again within one block', () => {
  const decoder = newDecoder();
  decodeHex(decoder, repeated);
  assert.deepEqual(decodeHex(decoder, `203fe11f${indexing('x-c', '3')}be`), { outcome: 'ok', fields: ['x-c', '3', 'x-c', '3'] });
  assert.equal(decodeHex(decoder, 'bf').outcome, 'malformed');
});

test('a table of the size in our settings is accepted, of one byte more is not', () => {
  assert.equal(decodeHex(newDecoder({ tableBytesMax: 256 }), '3fe101').outcome, 'ok');
  assert.equal(decodeHex(newDecoder({ tableBytesMax: 255 }), '3fe101').outcome, 'malformed');
  assert.equal(decodeHex(newDecoder({ tableBytesMax: 0 }), '20').outcome, 'ok');
  assert.equal(decodeHex(newDecoder({ tableBytesMax: 0 }), '21').outcome, 'malformed');
});

test('a peer that has not read our smaller settings yet uses the size of the protocol', () => {
  const decoder = newDecoder({ tableBytesMax: 0 });
  assert.deepEqual(decodeHex(decoder, `${indexing('x-a', '1')}be`).fields, ['x-a', '1', 'x-a', '1']);
  assert.equal(decodeHex(decoder, '20be').outcome, 'malformed');
});

const malformed: readonly (readonly [what: string, hex: string])[] = [
  ['the index 0', '80'],
  ['an index of no entry', 'be'],
  ['an index of no entry, for a name', '7e0131'],
  ['a long index of no entry', 'ff00'],
  ['an index that is cut off', 'ff'],
  ['an index that is cut off in the middle', 'ff80'],
  ['an integer of more bytes than any needs', 'ff8080808000'],
  ['an integer that does not fit into 32 bits', 'ffffffffff7f'],
  ['an integer without an end', `ff${'80'.repeat(1000)}`],
  ['an index of a name that is cut off', '7f'],
  ['an index of a name without an end', `0f${'ff'.repeat(1000)}`],
  ['a change of size that is cut off', '3f'],
  ['a change of size without an end', `3f${'ff'.repeat(1000)}`],
  ['a change of size beyond what we allow', '3fe21f'],
  ['a change of size after a field', '8220'],
  ['a change of size at the end, after a literal', `${notIndexing('x', '1')}20`],
  ['a literal without a name', '40'],
  ['a name that is cut off', '400361'],
  ['a literal without a value', '400161'],
  ['a value that is cut off', '4001610231'],
  ['a length that is cut off', '4001617f'],
  ['a length without an end', `400161${'ff'.repeat(1000)}`],
  ['a length far beyond the block', '4001617fffffff7f'],
  ['padding of eight bits', '00017882 07ff'],
  ['padding of nothing but a whole byte', '00017881 ff'],
  ['padding with a zero', '00017881 06'],
  ['padding with zeros', '00017881 00'],
  ['a code that is cut off', '00017881 fe'],
  ['EOS', '00017884 ffffffff'],
  ['EOS after a text, and more text behind it', '00017886 07fffffffc1f'],
  ['EOS in a name', '0084ffffffff 0131'],
];

for (const [what, hex] of malformed) {
  test(`refuses ${what}`, () => {
    assert.equal(decodeHex(newDecoder(), `87${hex}`).outcome, 'malformed');
    assert.equal(decodeHex(newDecoder(), hex).outcome, 'malformed');
  });
}

test('accepts what is nearest to what it refuses', () => {
  // An integer that ends in zeros, of as many bytes as are allowed.
  assert.deepEqual(decodeHex(newDecoder(), '0f80808000 0131').fields, ['accept-charset', '1']);
  assert.equal(decodeHex(newDecoder(), '3fe11f').outcome, 'ok');
  assert.equal(decodeHex(newDecoder(), '20203fe11f').outcome, 'ok');
  assert.deepEqual(decodeHex(newDecoder(), '00017880').fields, ['x', '']);
  // Padding of no bit, of three, of eight, and of seven: `&` has eight bits, `0` has five, `:!` has 17.
  assert.deepEqual(decodeHex(newDecoder(), '00017881 f8').fields, ['x', '&']);
  assert.deepEqual(decodeHex(newDecoder(), '00017881 07').fields, ['x', '0']);
  assert.deepEqual(decodeHex(newDecoder(), '00017882 f8ff'), { outcome: 'malformed', fields: [] });
  assert.deepEqual(decodeHex(newDecoder(), '00017883 b9fc7f').fields, ['x', ':!']);
});

const three = notIndexing('a', '1') + notIndexing('b', '2') + notIndexing('c', '3');

test('a list of exactly the bytes allowed is accepted, of one more it is not', () => {
  const listBytesMax = 3 * (32 + 2);
  assert.deepEqual(decodeHex(newDecoder({ listBytesMax }), three), { outcome: 'ok', fields: ['a', '1', 'b', '2', 'c', '3'] });
  const beyond = { outcome: 'too-large', fields: ['a', '1', 'b', '2'] };
  assert.deepEqual(decodeHex(newDecoder({ listBytesMax: listBytesMax - 1 }), three), beyond);
});

test('as many fields as allowed are accepted, one more is not', () => {
  assert.equal(decodeHex(newDecoder({ fieldCountMax: 4 }), three).outcome, 'ok');
  assert.equal(decodeHex(newDecoder({ fieldCountMax: 3 }), three).outcome, 'ok');
  assert.deepEqual(decodeHex(newDecoder({ fieldCountMax: 2 }), three), { outcome: 'too-large', fields: ['a', '1', 'b', '2'] });
});

test('nothing is appended behind the first field beyond a limit, however small', () => {
  const long = notIndexing('long', 'x'.repeat(100));
  assert.deepEqual(decodeHex(newDecoder({ listBytesMax: 120 }), `82${long}82`).fields, [':method', 'GET']);
});

test('the limits count for each block anew', () => {
  const decoder = newDecoder({ fieldCountMax: 3 });
  for (let count = 0; count < 3; count++) assert.equal(decodeHex(decoder, three).outcome, 'ok');
});

test('beyond a limit the table is kept up, and faults are found', () => {
  const decoder = newDecoder({ fieldCountMax: 1 });
  assert.deepEqual(decodeHex(decoder, repeated), { outcome: 'too-large', fields: ['x-a', '1'] });
  assert.deepEqual(decodeHex(decoder, 'be'), { outcome: 'ok', fields: ['x-b', '2'] });
  assert.equal(decodeHex(decoder, `${repeated}80`).outcome, 'malformed');
});

test('a small block that means a large list is refused at the price of its bytes', () => {
  const decoder = newDecoder({ fieldCountMax: 1_000_000 });
  const value = Buffer.alloc(4000, 'x');
  const entry = Buffer.concat([Buffer.from([0x40, 1, 0x61, 0x7f, 0xa1, 0x1e]), value]);
  const { outcome, fields } = decodeHex(decoder, entry.toString('hex') + 'be'.repeat(16_000));
  assert.equal(outcome, 'too-large');
  assert.equal(fields.length / 2, Math.floor((64 * 1024) / 4033));
});
