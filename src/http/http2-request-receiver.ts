/** The requests that the frames of a client make. All of it is attacker-controlled, and what can be counted is counted. */
import type { HpackOutcome } from '#wire/hpack/decoder.ts';
import { TABLE_BYTES_DEFAULT } from '#wire/hpack/dynamic-table.ts';
import { ErrorCode } from '#wire/http2/error-codes.ts';
import { type Http2Fault, http2Faults } from '#wire/http2/faults.ts';
import { Setting } from '#wire/http2/frame-types.ts';
import type { ClientFacts } from './client-facts.ts';
import { Http2ClientRequest } from './http2-client-request.ts';
import { Http2ClientStream } from './http2-client-stream.ts';
import { areTrailers, keepHttp2Trailers } from './http2-fields.ts';
import { Http2Receiver, type ReceiverHome } from './http2-receiver.ts';
import { Http2RequestHead } from './http2-request-head.ts';
import type { StreamHome } from './http2-stream-home.ts';
import type { Http2Limits } from './server-settings.ts';

/** What a receiver of requests needs of its connection. */
export interface RequestReceiverHome extends ReceiverHome<Http2ClientStream>, StreamHome {
  readonly sender: StreamHome['sender'];
  readonly facts: ClientFacts;
  /** Requests are not looked at any more that come behind the last one named in GOAWAY. */
  readonly takesRequests: boolean;
  onRequest(stream: Http2ClientStream): void;
}

/** The decoder counts the pseudo fields too. */
const PSEUDO_FIELDS = 5;

export class Http2RequestReceiver extends Http2Receiver<Http2ClientStream> {
  readonly #home: RequestReceiverHome;
  readonly #limits: Http2Limits;

  constructor(home: RequestReceiverHome, http2: Http2Limits) {
    const { headerListBytesMax: listBytesMax, connectionWindowBytes, resetsPerMinuteMax } = http2;
    const fieldCountMax = home.settings.decoderLimits.fieldCountMax + PSEUDO_FIELDS;
    super(home, home.services.wheel, {
      peer: 'client',
      fields: { tableBytesMax: TABLE_BYTES_DEFAULT, listBytesMax, fieldCountMax },
      connectionWindowBytes,
      resetsPerMinuteMax,
    });
    this.#home = home;
    this.#limits = http2;
  }

  onFields(id: number, fields: readonly string[], outcome: HpackOutcome, isLast: boolean): void {
    const { streams } = this.#home;
    const stream = streams.get(id);
    if (stream !== undefined) return takeTrailers(stream, fields, isLast && outcome === 'ok');
    if (id <= streams.lastId) return this.failUnlessLeft(id);
    if ((id & 1) === 0) return this.#home.fail(http2Faults.streamId);
    streams.begin(id);
    // What was sent before GOAWAY was read is not looked at, and may be sent again elsewhere.
    if (!this.#home.takesRequests) return streams.leave(id);
    if (streams.count >= this.#limits.streamsMax) return this.#refuse(id);
    const head = new Http2RequestHead(!isLast);
    const isTooLarge = outcome === 'too-large';
    if (!head.read(fields) && !isTooLarge) return this.#reset(id, ErrorCode.protocolError);
    const { facts, settings } = this.#home;
    const request = new Http2ClientRequest(head, isTooLarge, { facts, listener: settings.listener });
    const begun = new Http2ClientStream(id, request, isLast, this.#home);
    this.onProgress();
    streams.add(id, begun);
    this.#home.onRequest(begun);
  }

  onOwnSetting(id: number, value: number): Http2Fault | undefined {
    const isSwitch = id === Setting.enablePush || id === Setting.enableConnectProtocol;
    return isSwitch && value > 1 ? http2Faults.settingValue : undefined;
  }

  /** RFC 9113 §5.1.2, §8.7: it may be sent again. A client that has agreed to less does not keep to its word. */
  #refuse(id: number): void {
    if (this.hasAgreed) this.#home.fail(http2Faults.tooManyStreams);
    else this.#reset(id, ErrorCode.refusedStream);
  }

  #reset(id: number, code: ErrorCode): void {
    this.#home.streams.leave(id);
    this.#home.sender.reset(id, code);
    this.onBrokenOff();
  }
}

function takeTrailers(stream: Http2ClientStream, fields: readonly string[], isWellFormed: boolean): void {
  if (stream.isReceived) stream.breakRules(ErrorCode.streamClosed);
  else if (!isWellFormed || !areTrailers(fields)) stream.breakRules(ErrorCode.protocolError);
  else stream.onReceived(keepHttp2Trailers(fields));
}
