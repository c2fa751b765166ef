/** A client that speaks HTTP/2 frame by frame, as a test tells it, without TLS and with prior knowledge. */
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { eventually } from './eventually.ts';
import {
  encodeFrame,
  encodeHeaders,
  encodePing,
  encodeSettings,
  encodeSettingsAck,
  Flag,
  type Frame,
  FrameReader,
  FrameType,
  PREFACE,
} from './http2-frames.ts';

const NO_TABLE = { 1: 0 };
const FRAME_HEAD_BYTES = 9;
const FRAME_BYTES_MAX = 16_384;

export interface RawHttp2ClientOptions {
  readonly port: number;
  /** What it says in its first frame; nothing is said of the table for compression, so that statuses can be read. */
  readonly settings?: Readonly<Record<number, number>>;
  /** Without it, the gateway's settings do not count yet. */
  readonly acknowledges?: boolean;
}

export class RawHttp2Client {
  readonly socket: Socket;
  readonly frames: Frame[] = [];
  isClosed = false;
  onFrame: ((frame: Frame) => void) | undefined = undefined;
  answersPings = true;
  readonly #reader = new FrameReader();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (bytes: Buffer) => {
      for (const frame of this.#reader.read(bytes)) {
        this.frames.push(frame);
        if (frame.type === FrameType.ping && frame.flags === 0 && this.answersPings)
          this.send(encodePing(Flag.ack, frame.payload));
        this.onFrame?.(frame);
      }
    });
    // Resets are part of what is tested.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** Resolves when the gateway has said its settings. */
  static async open(
    t: TestContext,
    { port, settings = {}, acknowledges = true }: RawHttp2ClientOptions,
  ): Promise<RawHttp2Client> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    t.after(() => socket.destroy());
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const client = new RawHttp2Client(socket);
    client.send(Buffer.from(PREFACE), encodeSettings({ ...NO_TABLE, ...settings }));
    await client.until(({ type, flags }) => type === FrameType.settings && flags === 0, 'its settings');
    if (acknowledges) client.send(encodeSettingsAck());
    return client;
  }

  send(...frames: readonly Buffer[]): void {
    this.socket.write(Buffer.concat(frames));
  }

  /** A request without a body, or its beginning. */
  ask(stream: number, path: string, { method = 'GET', fields = [] as readonly string[], isWhole = true } = {}): void {
    this.sendHead(stream, [...toHead(method, path), ...fields], isWhole);
  }

  /** In as many frames as are needed. */
  sendHead(stream: number, fields: readonly string[], isWhole = true): void {
    const block = encodeHeaders(stream, fields).subarray(FRAME_HEAD_BYTES);
    const pieces: Buffer[] = [];
    for (let at = 0; at < block.length; at += FRAME_BYTES_MAX) pieces.push(block.subarray(at, at + FRAME_BYTES_MAX));
    for (const [index, piece] of pieces.entries()) {
      const flags = (index === pieces.length - 1 ? Flag.endHeaders : 0) | (index === 0 && isWhole ? Flag.endStream : 0);
      this.send(encodeFrame(index === 0 ? FrameType.headers : FrameType.continuation, flags, stream, piece));
    }
  }

  async until(matches: (frame: Frame) => boolean, what: string): Promise<Frame> {
    await eventually(() => this.isClosed || this.frames.some(matches), `the gateway sends ${what}`);
    const frame = this.frames.find(matches);
    if (frame === undefined) throw new Error(`the connection ended before the gateway had sent ${what}`);
    return frame;
  }

  /** The end of an answer: the last frame of its stream. */
  async untilAnswered(stream: number): Promise<void> {
    await this.until((frame) => frame.stream === stream && isLast(frame), `the end of stream ${stream}`);
  }

  async untilClosed(): Promise<void> {
    await eventually(() => this.isClosed, 'the connection is closed');
  }

  /** Of the first head of a stream. */
  statusOf(stream: number): number | undefined {
    const head = this.frames.find((frame) => frame.stream === stream && frame.type === FrameType.headers);
    return head === undefined ? undefined : readStatus(head.payload);
  }

  bodyOf(stream: number): string {
    const data = this.frames.filter((frame) => frame.stream === stream && frame.type === FrameType.data);
    return Buffer.concat(data.map(({ payload }) => payload)).toString('latin1');
  }

  /** The code with which a stream was reset, or `undefined` when it was not. */
  resetCodeOf(stream: number): number | undefined {
    return this.frames.find((frame) => frame.stream === stream && frame.type === FrameType.rstStream)?.payload.readUInt32BE(0);
  }

  /** The last frame of this kind: one says only which requests still count. */
  get goaway(): { readonly lastStream: number; readonly code: number } | undefined {
    const frame = this.frames.findLast(({ type }) => type === FrameType.goaway);
    return frame && { lastStream: frame.payload.readUInt32BE(0), code: frame.payload.readUInt32BE(4) };
  }
}

export function toHead(method: string, path: string): string[] {
  return [':method', method, ':scheme', 'http', ':authority', 'shop', ':path', path];
}

function isLast({ type, flags }: Frame): boolean {
  if (type === FrameType.rstStream) return true;
  return (type === FrameType.data || type === FrameType.headers) && (flags & Flag.endStream) !== 0;
}

/** RFC 7541 appendix A. */
const indexedStatuses: Readonly<Record<number, number>> = { 8: 200, 9: 204, 10: 206, 11: 304, 12: 400, 13: 404, 14: 500 };

/** A head begins with the status; without a table, it is one of those that have an index, or three digits. */
function readStatus(block: Buffer): number {
  let at = 0;
  // Changes of the table's size.
  while ((block[at]! & 0xe0) === 0x20) at += (block[at]! & 0x1f) === 0x1f ? 2 : 1;
  const first = block[at]!;
  if (first >= 0x80) return indexedStatuses[first & 0x7f]!;
  const length = block[at + 1]!;
  const text = block.subarray(at + 2, at + 2 + (length & 0x7f));
  return Number((length & 0x80) === 0 ? text.toString('latin1') : unpackDigits(text));
}

/** RFC 7541 appendix B, of which `0`, `1` and `2` take five bits and the other digits six. */
function unpackDigits(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  let digits = '';
  for (let at = 0; digits.length < 3; ) {
    const short = Number.parseInt(bits.slice(at, at + 5), 2);
    digits += short <= 2 ? short : Number.parseInt(bits.slice(at, at + 6), 2) - 0b011001 + 3;
    at += short <= 2 ? 5 : 6;
  }
  return digits;
}
