/** The numbers of HTTP/2 (RFC 9113 §4.1, §6, §6.5.2). */

export const FrameType = {
  data: 0,
  headers: 1,
  priority: 2,
  resetStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;

export const Flag = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;

export const Setting = {
  headerTableBytes: 1,
  enablePush: 2,
  concurrentStreamsMax: 3,
  initialWindowBytes: 4,
  frameBytesMax: 5,
  headerListBytesMax: 6,
  /** RFC 8441 §3. */
  enableConnectProtocol: 8,
} as const;

export const FRAME_HEAD_BYTES = 9;
export const SETTING_BYTES = 6;
/** The largest payload that every peer takes, and what holds until a peer says more. */
export const FRAME_BYTES_MAX_INITIAL = 16_384;
export const FRAME_BYTES_MAX_MAX = 0xff_ffff;
/** The size of every window until a peer says otherwise. */
export const WINDOW_BYTES_INITIAL = 65_535;
export const WINDOW_BYTES_MAX = 0x7fff_ffff;
export const STREAM_ID_MAX = 0x7fff_ffff;

export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
