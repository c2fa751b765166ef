/** The outgoing half of a client's HTTP/1 connection: how answers are written, and how the client sees where each one ends. */
import type { ByteStream } from '#net/byte-stream.ts';
import { hasField } from '#wire/fields/field-list.ts';
import { encodeFields, encodeLastChunk, encodeStatusLine } from '#wire/http1/encode.ts';
import type { HttpDate } from './http-date.ts';
import { JoinedWriter } from './joined-writer.ts';
import { hasResponseBody, type ResponseHead } from './response.ts';

const NOT_ANNOUNCED = -1;

export class Http1AnswerWriter {
  readonly #stream: ByteStream;
  readonly #out: JoinedWriter;
  readonly #date: HttpDate;
  #minorVersion = 1;
  #sendsChunked = false;
  /** What `content-length` of the answer says. */
  #announcedBytes = NOT_ANNOUNCED;
  /** False: what comes of a body is left out. */
  sendsBody = false;
  /** The client takes the end of the connection for the end of the answer. */
  isCloseDelimited = false;

  constructor(stream: ByteStream, date: HttpDate) {
    this.#stream = stream;
    this.#out = new JoinedWriter(stream);
    this.#date = date;
  }

  /** What follows is for a request of this version. */
  follow(minorVersion: number): void {
    this.#minorVersion = minorVersion;
  }

  writeInformational(status: number, fields: readonly string[]): void {
    if (this.#minorVersion !== 1 || this.#stream.isClosed) return;
    this.#stream.write(`${encodeStatusLine(status)}${encodeFields(fields)}\r\n`);
  }

  /** Decides how the answer will end. Its head has to be written next. */
  frame({ status, contentLengthBytes }: ResponseHead, method: string): void {
    const hasBody = hasResponseBody(method, status);
    const hasLength = contentLengthBytes !== undefined;
    this.#announcedBytes = hasBody && hasLength ? contentLengthBytes : NOT_ANNOUNCED;
    this.sendsBody = hasBody && contentLengthBytes !== 0;
    this.#sendsChunked = hasBody && !hasLength && this.#minorVersion === 1;
    this.isCloseDelimited = hasBody && !hasLength && !this.#sendsChunked;
  }

  writeHead(response: ResponseHead, requestId: string, keepsAlive: boolean): void {
    const { status, contentLengthBytes } = response;
    // RFC 9110 §8.6: a 204 has no length.
    const whole = status === 204 ? undefined : response.messageText;
    let text = whole ?? encodeStatusLine(status) + (response.fieldText ?? encodeFields(response.fields));
    if (this.#sendsChunked) text += 'transfer-encoding: chunked\r\n';
    else if (contentLengthBytes !== undefined && whole === undefined && status !== 204)
      text += `content-length: ${contentLengthBytes}\r\n`;
    text += this.#encodeOwnFields(response) + requestId;
    if (!keepsAlive) text += '\r\nconnection: close\r\n\r\n';
    else text += this.#minorVersion === 0 ? '\r\nconnection: keep-alive\r\n\r\n' : '\r\n\r\n';
    this.#out.append(text);
  }

  /** Behind it, the connection is a tunnel. */
  writeUpgrade(response: ResponseHead, requestId: string): void {
    const text = encodeStatusLine(response.status) + encodeFields(response.fields) + this.#encodeOwnFields(response);
    this.#stream.write(`${text}${requestId}\r\nconnection: upgrade\r\n\r\n`);
  }

  /** How long the answer says that it is; `undefined`: it does not. */
  get announcedBytes(): number | undefined {
    return this.#announcedBytes === NOT_ANNOUNCED ? undefined : this.#announcedBytes;
  }

  /** Whether so much of a body is no more than was announced. */
  mayWrite(bytes: number): boolean {
    return bytes <= this.#announcedBytes || this.#announcedBytes === NOT_ANNOUNCED;
  }

  /** Whether so much of a body is all that was announced. */
  mayEnd(bytes: number): boolean {
    return bytes === this.#announcedBytes || this.#announcedBytes === NOT_ANNOUNCED;
  }

  /** False as for `ByteStream.write`. */
  writeBody(view: Buffer): boolean {
    return this.#out.writeBody(view, this.#sendsChunked);
  }

  /** A small piece of a body, as text that is not empty. */
  appendBody(text: string): void {
    this.#out.appendBody(text, this.#sendsChunked);
  }

  appendEnd(trailers: readonly string[] | undefined): void {
    if (this.#sendsChunked) this.#out.append(encodeLastChunk(trailers));
  }

  flush(): boolean {
    return this.#out.flush();
  }

  /** The gateway's own fields, up to the request id. */
  #encodeOwnFields(response: ResponseHead): string {
    // RFC 9110 §6.6.1: who has a clock adds the date that is missing.
    const hasDate = response.hasDate ?? hasField(response.fields, 'date');
    return hasDate ? 'x-request-id: ' : `date: ${this.#date.now()}\r\nx-request-id: `;
  }
}
