import { ByteCollector } from '#base/byte-collector.ts';
import type { ClientRequest } from '#http/exchange.ts';
import type { UpstreamCall } from '#http/upstream-call.ts';
import type { ForwardTarget } from './forward-target.ts';
import { isRepeatable } from './retry-decision.ts';

/** What is to be kept of a request's body that is about to be sent; `undefined`: no other attempt could ever need it. */
export function toReplayBody(request: ClientRequest, target: ForwardTarget, call: UpstreamCall): ReplayBody | undefined {
  const { bodyBytesMax } = target.rules.retry;
  if (request.contentLengthBytes > bodyBytesMax || !mayBeSentAgain(request, target, call)) return undefined;
  return new ReplayBody(bodyBytesMax);
}

function mayBeSentAgain(
  request: ClientRequest,
  { rules, fallback }: ForwardTarget,
  { mayRefuse, isReused }: UpstreamCall,
): boolean {
  const { retry } = rules;
  // A connection that is still to be made may not be made.
  if (fallback?.to.kind === 'service') return true;
  return mayRefuse || (!isReused && retry.furtherAttemptsMax > 0) || isRepeatable(request, retry);
}

/** The beginning of a request's body, kept for as long as another attempt may need it. */
export class ReplayBody {
  readonly #bytesMax: number;
  readonly #collected = new ByteCollector();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** It has become longer than what is kept. */
  get isGone(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  keep(view: Buffer): void {
    this.#bytes += view.length;
    if (this.isGone) this.#collected.clear();
    else this.#collected.add(view);
  }

  /** What the upstream does not take at once waits in the call, which has no more of it than is kept here. */
  sendTo(call: UpstreamCall): void {
    for (const piece of this.#collected.pieces) call.sendChunk(piece);
  }
}
