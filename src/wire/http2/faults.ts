import { ErrorCode } from './error-codes.ts';

export interface Http2Fault {
  /** What the peer is told. */
  readonly code: ErrorCode;
  /** What the log says. */
  readonly meaning: string;
}

/** Every way in which the frames of a peer can break the rules so that its connection has to end. */
export const http2Faults = {
  preface: { code: ErrorCode.protocolError, meaning: 'the connection does not begin with the preface of HTTP/2' },
  firstFrame: { code: ErrorCode.protocolError, meaning: 'the first frame is not SETTINGS' },
  frameTooLarge: { code: ErrorCode.frameSizeError, meaning: 'a frame is larger than was agreed on' },
  frameLength: { code: ErrorCode.frameSizeError, meaning: 'a frame has a length that its type does not allow' },
  streamOfFrame: { code: ErrorCode.protocolError, meaning: 'a frame is about a stream where it may not be, or about none' },
  padding: { code: ErrorCode.protocolError, meaning: 'the padding is longer than its frame' },
  dependency: { code: ErrorCode.protocolError, meaning: 'a stream depends on itself' },
  push: { code: ErrorCode.protocolError, meaning: 'nobody may push' },
  continuation: { code: ErrorCode.protocolError, meaning: 'CONTINUATION without a head, or something else within one' },
  headTooLong: { code: ErrorCode.enhanceYourCalm, meaning: 'too large a head' },
  tooManyContinuations: { code: ErrorCode.enhanceYourCalm, meaning: 'too many CONTINUATION frames' },
  tooManySettings: { code: ErrorCode.enhanceYourCalm, meaning: 'too many settings in one frame' },
  settingValue: { code: ErrorCode.protocolError, meaning: 'a setting has a value that it may not have' },
  settingWindow: { code: ErrorCode.flowControlError, meaning: 'a setting makes a window too large' },
  windowIncrement: { code: ErrorCode.protocolError, meaning: 'a window is enlarged by nothing' },
  connectionWindow: { code: ErrorCode.flowControlError, meaning: 'the window of the connection has become too large' },
  windowExceeded: { code: ErrorCode.flowControlError, meaning: 'more data than the window of the connection allows' },
  compression: { code: ErrorCode.compressionError, meaning: 'a head cannot be unpacked' },
  idleStream: { code: ErrorCode.protocolError, meaning: 'a frame is about a stream that has not begun' },
  bodyBeforeHead: { code: ErrorCode.protocolError, meaning: 'a body without a head' },
  streamId: { code: ErrorCode.protocolError, meaning: 'a request has a stream id that it may not have' },
  closedStream: { code: ErrorCode.streamClosed, meaning: 'a frame is about a stream that has ended' },
  tooManyStreams: { code: ErrorCode.protocolError, meaning: 'more requests at a time than was agreed on' },
  settingsTimeout: { code: ErrorCode.settingsTimeout, meaning: 'the settings have not been acknowledged' },
  controlFrames: { code: ErrorCode.enhanceYourCalm, meaning: 'too many control frames' },
  brokenOff: { code: ErrorCode.enhanceYourCalm, meaning: 'too many requests broken off' },
} as const satisfies Readonly<Record<string, Http2Fault>>;
