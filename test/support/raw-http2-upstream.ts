/** An upstream that speaks HTTP/2 frame by frame, as a test tells it. */
import type { TestContext } from 'node:test';
import { encodeSettings, encodeSettingsAck, Flag, type Frame, FrameReader, FrameType, PREFACE } from './http2-frames.ts';
import { startRawUpstream, type UpstreamConnection } from './raw-upstream.ts';

export interface RawHttp2Connection {
  readonly index: number;
  readonly frames: readonly Frame[];
  /** Streams that were opened, in their order. */
  readonly streams: readonly number[];
  send(...frames: readonly Buffer[]): void;
  destroy(): void;
}

export interface RawHttp2Upstream {
  readonly url: string;
  readonly connections: readonly RawHttp2Connection[];
}

export interface RawHttp2Script {
  /** What is sent as the server's preface; by default, settings that say nothing. */
  readonly greeting?: Buffer;
  onFrame?(frame: Frame, connection: RawHttp2Connection): void;
  /** A request has come, with or without a body. */
  onRequest?(stream: number, connection: RawHttp2Connection): void;
}

export async function startRawHttp2Upstream(t: TestContext, script: RawHttp2Script): Promise<RawHttp2Upstream> {
  const connections: RawConnection[] = [];
  const upstream = await startRawUpstream((raw) => {
    const known = connections[raw.index];
    const connection = known ?? new RawConnection(raw, script);
    connections[raw.index] = connection;
    connection.onData();
  });
  t.after(() => upstream.close());
  return { url: upstream.url, connections };
}

class RawConnection implements RawHttp2Connection {
  readonly frames: Frame[] = [];
  readonly streams: number[] = [];
  readonly index: number;
  readonly #raw: UpstreamConnection;
  readonly #script: RawHttp2Script;
  readonly #reader = new FrameReader();
  #taken = 0;

  constructor(raw: UpstreamConnection, script: RawHttp2Script) {
    this.#raw = raw;
    this.#script = script;
    this.index = raw.index;
  }

  send(...frames: readonly Buffer[]): void {
    this.#raw.send(Buffer.concat(frames));
  }

  destroy(): void {
    this.#raw.socket.destroy();
  }

  onData(): void {
    const { received } = this.#raw;
    if (received.length < PREFACE.length) return;
    if (this.#taken === 0) {
      this.#taken = PREFACE.length;
      this.send(this.#script.greeting ?? encodeSettings());
    }
    const bytes = Buffer.from(received.slice(this.#taken), 'latin1');
    this.#taken = received.length;
    for (const frame of this.#reader.read(bytes)) this.#onFrame(frame);
  }

  #onFrame(frame: Frame): void {
    this.frames.push(frame);
    if (frame.type === FrameType.settings && (frame.flags & Flag.ack) === 0) this.send(encodeSettingsAck());
    this.#script.onFrame?.(frame, this);
    if (frame.type !== FrameType.headers || this.streams.includes(frame.stream)) return;
    this.streams.push(frame.stream);
    this.#script.onRequest?.(frame.stream, this);
  }
}
