import { type Http2Fault, http2Faults } from './faults.ts';
import { Flag, FRAME_BYTES_MAX_INITIAL, FrameType, SETTING_BYTES } from './frame-types.ts';

/** Bytes of the payloads that have always the same length. */
export const PRIORITY_BYTES = 5;
const RESET_BYTES = 4;
const PING_BYTES = 8;
const GOAWAY_BYTES_MIN = 8;
const WINDOW_UPDATE_BYTES = 4;

/** The head of a frame (RFC 9113 §4.1), and what it alone shows to be wrong. */
export class FrameHead {
  length = 0;
  type = 0;
  flags = 0;
  stream = 0;

  read(bytes: Uint8Array, at: number): void {
    this.length = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!;
    this.type = bytes[at + 3]!;
    this.flags = bytes[at + 4]!;
    // The first bit is reserved, and ignored.
    this.stream = ((bytes[at + 5]! & 0x7f) << 24) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 8) | bytes[at + 8]!;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Bytes of the deprecated priority in HEADERS. */
  get priorityBytes(): number {
    return this.has(Flag.priority) ? PRIORITY_BYTES : 0;
  }

  /** `settingsMax`: how many settings may stand in one frame. */
  findFault(settingsMax: number): Http2Fault | undefined {
    if (this.length > FRAME_BYTES_MAX_INITIAL) return http2Faults.frameTooLarge;
    return this.#findStreamFault() ?? this.#findLengthFault(settingsMax);
  }

  #findStreamFault(): Http2Fault | undefined {
    switch (this.type) {
      case FrameType.settings:
      case FrameType.ping:
      case FrameType.goaway:
        return this.stream === 0 ? undefined : http2Faults.streamOfFrame;
      case FrameType.data:
      case FrameType.headers:
      case FrameType.priority:
      case FrameType.resetStream:
      case FrameType.continuation:
        return this.stream === 0 ? http2Faults.streamOfFrame : undefined;
      case FrameType.pushPromise:
        return http2Faults.push;
      default:
        return undefined;
    }
  }

  #findLengthFault(settingsMax: number): Http2Fault | undefined {
    const { length } = this;
    switch (this.type) {
      case FrameType.data:
        return faultUnless(!this.has(Flag.padded) || length > 0);
      case FrameType.headers:
        return faultUnless(length >= this.priorityBytes + (this.has(Flag.padded) ? 1 : 0));
      case FrameType.resetStream:
        return faultUnless(length === RESET_BYTES);
      case FrameType.ping:
        return faultUnless(length === PING_BYTES);
      case FrameType.goaway:
        return faultUnless(length >= GOAWAY_BYTES_MIN);
      case FrameType.windowUpdate:
        return faultUnless(length === WINDOW_UPDATE_BYTES);
      case FrameType.settings:
        if (length > settingsMax * SETTING_BYTES) return http2Faults.tooManySettings;
        return faultUnless(length % SETTING_BYTES === 0 && (!this.has(Flag.ack) || length === 0));
      default:
        return undefined;
    }
  }
}

function faultUnless(fits: boolean): Http2Fault | undefined {
  return fits ? undefined : http2Faults.frameLength;
}
