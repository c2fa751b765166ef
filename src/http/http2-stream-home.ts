import type { ProxiedClient } from '#net/proxied-client.ts';
import type { Http2Sender } from './http2-sender.ts';
import type { ServerServices, ServerSettings } from './server-settings.ts';

/** A stream as its connection knows it. */
export interface HomeStream {
  readonly id: number;
  /** How much more the peer may be told that it may send, when so much has been used. */
  useWindow(bytes: number): number;
}

/** What a stream needs of its connection. */
export interface StreamHome {
  readonly settings: ServerSettings;
  readonly services: ServerServices;
  readonly sender: Http2Sender;
  /** What the operating system has not taken of what was written over the connection. */
  readonly unsentBytes: number;
  describeClient(): ProxiedClient;
  /** Something has been read or written that a request or an answer is made of. */
  onProgress(): void;
  /** So much of a request's body has been used, or will never be: the client may send more. `stream` is `undefined` where that one wants no more. */
  onBodyUsed(bytes: number, stream: HomeStream | undefined): void;
  /** `isBrokenOff`: the client did not wait for the whole answer. `isLeft`: the client may still send. */
  onStreamEnded(stream: HomeStream, isBrokenOff: boolean, isLeft: boolean): void;
}
