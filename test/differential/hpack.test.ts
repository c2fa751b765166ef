/**
 * The gateway's HPACK codec against the one in Node: its client reads what our encoder writes, and our decoder reads what its
 * client writes, over many requests of one connection while both sides change the sizes of their tables.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, connect, sensitiveHeaders } from 'node:http2';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { HpackDecoder } from '#wire/hpack/decoder.ts';
import { BLOCK_START_BYTES_MAX, encodedBytesMax, HpackEncoder } from '#wire/hpack/encoder.ts';
import { fuzzParameters } from '../support/fuzz-parameters.ts';
import {
  encodeFrame,
  encodeSettings,
  encodeSettingsAck,
  Flag,
  type Frame,
  FrameReader,
  FrameType,
  PREFACE,
} from '../support/http2-frames.ts';

const HEADER_TABLE_SIZE = 1;

/** Our end of a connection in memory: frames by hand, header blocks by the codec. */
class CodecServer {
  readonly requests: string[][] = [];
  answer: readonly string[] = [];
  readonly #stream: Duplex;
  readonly #decoder: HpackDecoder;
  readonly #encoder = new HpackEncoder();
  readonly #reader = new FrameReader();
  #prefaceBytes = PREFACE.length;

  constructor(stream: Duplex, tableBytesMax: number) {
    this.#stream = stream;
    this.#decoder = new HpackDecoder({ tableBytesMax, listBytesMax: 1_000_000, fieldCountMax: 1_000 });
    stream.write(encodeSettings({ [HEADER_TABLE_SIZE]: tableBytesMax }));
    stream.on('data', (bytes: Buffer) => {
      const skipped = Math.min(this.#prefaceBytes, bytes.length);
      this.#prefaceBytes -= skipped;
      for (const frame of this.#reader.read(bytes.subarray(skipped))) this.#take(frame);
    });
  }

  #take({ type, flags, stream, payload }: Frame): void {
    if (type === FrameType.settings && (flags & Flag.ack) === 0) this.#takeSettings(payload);
    if (type !== FrameType.headers) return;
    assert.equal(flags & (Flag.endHeaders | Flag.padded | Flag.priority), Flag.endHeaders);
    const fields: string[] = [];
    // Amid other bytes, as in a read buffer.
    const bytes = Buffer.concat([Buffer.alloc(2, 0xff), payload, Buffer.alloc(2, 0xff)]);
    assert.equal(this.#decoder.decode(bytes, 2, 2 + payload.length, fields), 'ok');
    this.requests.push(fields);
    this.#stream.write(encodeFrame(FrameType.headers, Flag.endHeaders | Flag.endStream, stream, this.#encodeAnswer()));
  }

  #takeSettings(payload: Buffer): void {
    for (let at = 0; at < payload.length; at += 6) {
      if (payload.readUInt16BE(at) === HEADER_TABLE_SIZE) this.#encoder.setTableBytesMax(payload.readUInt32BE(at + 2));
    }
    this.#stream.write(encodeSettingsAck());
  }

  #encodeAnswer(): Buffer {
    const { answer } = this;
    let room = BLOCK_START_BYTES_MAX;
    for (let i = 0; i < answer.length; i += 2) room += encodedBytesMax(answer[i]!, answer[i + 1]!);
    const into = Buffer.alloc(room);
    let end = this.#encoder.beginBlock(into, 0);
    end = this.#encoder.encodeStatus(Number(answer[1]), into, end);
    for (let i = 2; i < answer.length; i += 2) end = this.#encoder.encodeField(answer[i]!, answer[i + 1]!, into, end);
    return into.subarray(0, end);
  }
}

const someNames = [
  'content-type',
  'date',
  'etag',
  'x-request-id',
  'server',
  'cache-control',
  'accept-encoding',
  'cookie',
  'vary',
];
const name = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...someNames) },
  fc.stringMatching(/^x-[a-z0-9!#$%&'*+.^_`|~-]{1,20}$/),
);
/** Visible bytes of latin1, the rare ones with their long codes among them. */
const octet = fc
  .oneof(fc.integer({ min: 0x21, max: 0x7e }), fc.integer({ min: 0xa1, max: 0xff }))
  .map((code) => String.fromCharCode(code));
const value = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('', 'a', 'b', 'c', 'd', 'e', 'gzip, deflate', 'text/html; charset=utf-8') },
  fc.string({ unit: octet, maxLength: 60 }),
  // Rare bytes are compressed only in company that makes up for them.
  fc.string({ unit: octet, maxLength: 10 }).map((rare) => `${'e'.repeat(80)}${rare}`),
  // Ten of the longest still fit into one frame.
  fc.integer({ min: 0, max: 1_500 }).map((length) => 'v'.repeat(length)),
);
const fields = fc.dictionary(name, value, { maxKeys: 10 }).map((found) => Object.entries(found).flat());
const status = fc.oneof(fc.constantFrom(200, 204, 206, 304, 400, 404, 500), fc.integer({ min: 200, max: 599 }));
const path = fc.stringMatching(/^\/[a-z0-9/?=&%]{0,40}$/);
const tableBytes = fc.oneof(fc.constantFrom(0, 100, 4096, 65_536), fc.nat({ max: 5_000 }));
const turns = fc.array(
  fc.record({
    path,
    request: fields,
    status,
    answer: fields,
    /** What Node's client allows from now on. */
    tableBytes: fc.option(tableBytes, { nil: undefined }),
  }),
  { minLength: 1, maxLength: 12 },
);

async function ask(client: ClientHttp2Session, requestPath: string, list: readonly string[]): Promise<string[]> {
  const head: Record<string, string> = { ':method': 'GET', ':scheme': 'http', ':authority': 'a', ':path': requestPath };
  for (let i = 0; i < list.length; i += 2) head[list[i]!] = list[i + 1]!;
  const stream = client.request({ ...head, [sensitiveHeaders]: ['x-request-id'] });
  const closed = once(stream, 'close');
  const [, , rawFields] = (await once(stream, 'response')) as [unknown, unknown, string[]];
  stream.resume();
  await closed;
  return rawFields;
}

test('random heads mean the same to Node, both ways, over the life of a connection', async (context) => {
  const { seed, numRuns, ...time } = fuzzParameters(context);
  await fc.assert(
    fc.asyncProperty(turns, tableBytes, async (given, ourTableBytes) => {
      const [near, far] = duplexPair();
      const server = new CodecServer(far, ourTableBytes);
      const client = connect('http://a', { createConnection: () => near });
      const closed = once(client, 'close');
      try {
        await once(client, 'remoteSettings');
        for (const turn of given) {
          if (turn.tableBytes !== undefined) client.settings({ headerTableSize: turn.tableBytes });
          server.answer = [':status', `${turn.status}`, ...turn.answer];
          const answer = await ask(client, turn.path, turn.request);
          assert.deepEqual(answer, server.answer);
          const head = [':method', 'GET', ':scheme', 'http', ':authority', 'a', ':path', turn.path];
          assert.deepEqual(server.requests.at(-1), [...head, ...turn.request]);
        }
      } finally {
        near.destroy();
        far.destroy();
        await closed;
      }
    }),
    // Each input is a connection with many requests.
    { seed, numRuns: Math.ceil(numRuns / 5), ...time },
  );
});
