/** Answers in the place of services with what they have answered when the exchange was recorded. */
import type { GatewayError } from '#base/errors.ts';
import type { StubbedAnswer, StubbedRequest, UpstreamStub } from '#http/stubbed-upstream.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { bodyOfCall, toFieldList, toSentBytes, withoutRedacted } from '#telemetry/recording/recorded-bytes.ts';
import type { RecordedCall, RecordedExchange } from '#telemetry/recording/recorded-exchange.ts';

/** A request to a service, and the recorded one that it was answered from; `undefined`: there is none. */
export interface ReplayedCall {
  readonly request: StubbedRequest;
  readonly recorded: RecordedCall | undefined;
}

const OK = 200;

export class RecordedUpstreams implements UpstreamStub {
  #exchange: RecordedExchange | undefined;
  readonly #unused: RecordedCall[] = [];
  /** Of the present exchange, in the order in which they were made. */
  readonly calls: ReplayedCall[] = [];

  /** What is asked from now on is asked for this one. */
  follow(exchange: RecordedExchange): void {
    this.#exchange = exchange;
    this.#unused.length = 0;
    for (const call of exchange.calls) this.#unused.push(call);
    this.calls.length = 0;
  }

  answer(request: StubbedRequest): StubbedAnswer | GatewayError {
    const recorded = this.#take(request);
    this.calls.push({ request, recorded });
    const exchange = this.#exchange;
    if (recorded === undefined || exchange === undefined) return { status: OK, fields: [], body: noBytes };
    const { answer, code } = recorded;
    if (answer === undefined) return toError(code);
    const { bytes } = toSentBytes(bodyOfCall(exchange, answer));
    return {
      status: answer.status,
      fields: toFieldList(answer.headers),
      body: bytes,
      trailers: answer.trailers && toFieldList(answer.trailers),
    };
  }

  /** The same request to the same service, else the same service, else whoever was asked next. */
  #take({ service, method, target }: StubbedRequest): RecordedCall | undefined {
    const unused = this.#unused;
    const isSame = (call: RecordedCall) =>
      call.request.method === method && withoutRedacted(call.request.target) === withoutRedacted(target);
    const ranks = [
      unused.findIndex((call) => call.service === service && isSame(call)),
      unused.findIndex((call) => call.service === service),
      unused.findIndex(isSame),
      unused.length === 0 ? -1 : 0,
    ];
    const index = ranks.find((place) => place >= 0);
    return index === undefined ? undefined : unused.splice(index, 1)[0];
  }
}

const noBytes = Buffer.alloc(0);

function toError(code: string | undefined): GatewayError {
  const factory = Object.values(upstreamErrors).find(({ kind }) => kind.code === code);
  return (factory ?? upstreamErrors.unreachable)();
}
