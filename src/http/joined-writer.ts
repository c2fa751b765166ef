import { limits } from '#base/limits.ts';
import type { ByteStream } from '#net/byte-stream.ts';
import { encodeChunkSize } from '#wire/http1/encode.ts';

/**
 * Writes HTTP/1 messages with as few system calls as can be: the head and small pieces of the body are joined as text
 * until somebody flushes; a large piece goes out as it is, together with what waited.
 */
export class JoinedWriter {
  readonly #stream: ByteStream;
  #text = '';

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  append(text: string): void {
    this.#text += text;
  }

  /** False as for `ByteStream.write`. */
  writeBody(view: Buffer, isChunked: boolean): boolean {
    // An empty chunk would be the last one (RFC 9112 §7.1).
    if (view.length === 0) return true;
    if (view.length + this.#text.length <= limits.joinedWriteBytesMax) {
      this.appendBody(view.latin1Slice(), isChunked);
      return true;
    }
    const frame = isChunked ? encodeChunkSize(view.length) : '';
    const before = this.#text + frame;
    this.#text = '';
    return before === '' ? this.#stream.write(view) : this.#stream.writeAll(before, view, isChunked ? '\r\n' : '');
  }

  /** A small piece of a body, as text that is not empty. */
  appendBody(text: string, isChunked: boolean): void {
    this.#text += isChunked ? `${encodeChunkSize(text.length)}${text}\r\n` : text;
  }

  flush(): boolean {
    const text = this.#text;
    if (text === '') return true;
    this.#text = '';
    return this.#stream.write(text);
  }
}
