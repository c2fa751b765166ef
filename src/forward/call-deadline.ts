import type { GatewayError } from '#base/errors.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import type { Exchange } from '#http/exchange.ts';
import { grpcTimeoutMs } from '#http/grpc-request.ts';
import { type TimeLimit, toTimeoutDetail } from '#http/upstream-call.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';

/** The time that something has to end: an attempt, or a request with all its attempts. */
export class CallDeadline extends WheelTimer {
  readonly #wheel: TimerWheel;
  readonly #toError: () => GatewayError;
  readonly #onPassed: (error: GatewayError) => void;

  constructor(wheel: TimerWheel, toError: () => GatewayError, onPassed: (error: GatewayError) => void) {
    super();
    this.#wheel = wheel;
    this.#toError = toError;
    this.#onPassed = onPassed;
  }

  start(delayMs: number): void {
    this.#wheel.arm(this, delayMs);
  }

  /** It came to its end in time. */
  end(): void {
    this.#wheel.remove(this);
  }

  override onDeadline(): void {
    this.#onPassed(this.#toError());
  }
}

/** What a client of gRPC gives its call, and what the settings give a request: the shorter of the two, if there is any. */
export function startRequestDeadline(
  exchange: Exchange,
  limit: TimeLimit | undefined,
  wheel: TimerWheel,
  onPassed: (error: GatewayError) => void,
): CallDeadline | undefined {
  const grpcMs = grpcTimeoutMs(exchange.request);
  if (limit === undefined && grpcMs === undefined) return undefined;
  const leftMs = limit === undefined ? Number.POSITIVE_INFINITY : exchange.startedMs + limit.ms - wheel.nowMs;
  const isGrpc = grpcMs !== undefined && grpcMs < leftMs;
  const toError = isGrpc
    ? () => gatewayErrors.grpcDeadline({ timeoutMs: grpcMs })
    : () => upstreamErrors.requestTimeout(toTimeoutDetail(limit!));
  const deadline = new CallDeadline(wheel, toError, onPassed);
  deadline.start(isGrpc ? grpcMs : leftMs);
  return deadline;
}
