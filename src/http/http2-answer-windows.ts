import { limits } from '#base/limits.ts';
import { ReceiveWindow } from './http2-receive-window.ts';

/** An answer whose window is changed with those of all others. */
export interface WindowedStream {
  /** Of another size from now on. Returns by how much it is to be opened at once. */
  resizeWindow(bytesMax: number): number;
  shiftWindow(bytes: number): void;
}

/**
 * How far the answers of one connection may be ahead of their clients: the more there are, the less each, so that all of them
 * fit into the window of the connection, and slow clients never hold up the others.
 */
export class Http2AnswerWindows {
  /** What the upstream has been told. */
  toldBytes: number = limits.upstreamStreamWindowBytesMax;
  /** What it is held to: the larger of two sizes until it has taken note of the second. */
  #boundBytes: number = limits.upstreamStreamWindowBytesMax;
  /** Settings are under way that the upstream has not taken note of. Those of the greeting come first. */
  #isPending = true;

  /** For an answer that is to come. */
  create(): ReceiveWindow {
    return new ReceiveWindow(this.toldBytes, this.#boundBytes);
  }

  /** The size that the upstream is to be told, where another one has become right for so many answers. */
  choose(streamCount: number): number | undefined {
    if (this.#isPending) return undefined;
    const bytes = toWindowBytes(streamCount, this.toldBytes);
    return bytes === this.toldBytes ? undefined : bytes;
  }

  tell(bytes: number, streams: Iterable<WindowedStream>): void {
    this.toldBytes = bytes;
    this.#isPending = true;
    if (bytes > this.#boundBytes) this.#bind(bytes, streams);
  }

  onSettingsAck(streams: Iterable<WindowedStream>): void {
    this.#isPending = false;
    if (this.#boundBytes !== this.toldBytes) this.#bind(this.toldBytes, streams);
  }

  #bind(bytes: number, streams: Iterable<WindowedStream>): void {
    const change = bytes - this.#boundBytes;
    this.#boundBytes = bytes;
    for (const stream of streams) stream.shiftWindow(change);
  }
}

/** By powers of four, and back only when half the streams are gone, so that settings are rarely sent. */
function toWindowBytes(streamCount: number, presentBytes: number): number {
  const { upstreamHeldBytesMax, upstreamStreamWindowBytesMax, upstreamStreamWindowBytesMin } = limits;
  let bytes: number = upstreamStreamWindowBytesMax;
  while (bytes > upstreamStreamWindowBytesMin && streamCount * bytes > upstreamHeldBytesMax) bytes /= 4;
  return bytes > presentBytes && 2 * streamCount * bytes > upstreamHeldBytesMax ? presentBytes : bytes;
}
