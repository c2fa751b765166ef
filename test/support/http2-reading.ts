/** What the frames of a client say, as one list that does not depend on how the bytes are split. */
import type { ErrorCode } from '#wire/http2/error-codes.ts';
import { type Http2Fault, http2Faults } from '#wire/http2/faults.ts';
import type { FieldBlock } from '#wire/http2/field-block.ts';
import { FrameDecoder, type FrameDecoderLimits, type FrameEvents } from '#wire/http2/frame-decoder.ts';

export const readingLimits: FrameDecoderLimits = { blockBytesMax: 40_000, continuationsMax: 20, settingsMax: 32 };

export type CreateFrameDecoder = (...given: ConstructorParameters<typeof FrameDecoder>) => FrameDecoder;

const createFrameDecoder: CreateFrameDecoder = (...given) => new FrameDecoder(...given);

/** Reads the pieces one after the other. Pieces of data are joined. */
export function readFrames(
  pieces: readonly Uint8Array[],
  limits: FrameDecoderLimits = readingLimits,
  create: CreateFrameDecoder = createFrameDecoder,
): string[] {
  const reader = new FrameReading();
  const decoder = create(limits, reader);
  for (const piece of pieces) {
    // Behind and before what is lent stands what belongs to others, and what is lent is gone afterwards.
    const bytes = Buffer.alloc(piece.length + 2, 0xaa);
    bytes.set(piece, 1);
    decoder.decode(bytes, 1, piece.length + 1);
    bytes.fill(0xbb);
  }
  return reader.said;
}

class FrameReading implements FrameEvents {
  readonly said: string[] = [];
  #data = '';

  onData(stream: number, frameBytes: number): void {
    this.#data = '';
    this.said.push(`data on ${stream}: ${frameBytes}`);
  }

  onDataChunk(view: Buffer): void {
    if (view.length === 0) this.said.push('nothing as a piece of data');
    this.#data += view.toString('latin1');
  }

  onDataEnd(isLast: boolean, dataBytes: number): void {
    this.said.push(`${dataBytes} bytes${isLast ? ', the last' : ''}: ${this.#data}`);
  }

  onHeaders(stream: number, { bytes, start, end }: FieldBlock, isLast: boolean): void {
    this.said.push(`head on ${stream}${isLast ? ', the last' : ''}: ${bytes.latin1Slice(start, end)}`);
  }

  onPriority(): void {
    this.said.push('priority');
  }

  onReset(stream: number, code: number): void {
    this.said.push(`reset of ${stream}: ${code}`);
  }

  onSetting(id: number, value: number): void {
    this.said.push(`setting ${id}: ${value}`);
  }

  onSettings(): void {
    this.said.push('settings');
  }

  onSettingsAck(): void {
    this.said.push('settings acknowledged');
  }

  onPing(bytes: Buffer, at: number): void {
    this.said.push(`ping ${bytes.latin1Slice(at, at + 8)}`);
  }

  onPingAck(): void {
    this.said.push('ping answered');
  }

  onGoaway(lastStream: number, code: number): void {
    this.said.push(`goaway behind ${lastStream}: ${code}`);
  }

  onWindowUpdate(stream: number, increment: number): void {
    this.said.push(`window of ${stream}: ${increment}`);
  }

  onUnknownFrame(): void {
    this.said.push('unknown');
  }

  onStreamFault(stream: number, code: ErrorCode): void {
    this.said.push(`fault of ${stream}: ${code}`);
  }

  onFault(fault: Http2Fault): void {
    const [name] = Object.entries(http2Faults).find(([, known]) => known === fault)!;
    this.said.push(`fault: ${name}`);
  }
}
