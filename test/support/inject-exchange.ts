import type { Clock } from '#base/clock.ts';
import type { Exchange } from '#http/exchange.ts';
import { type InjectedAnswer, type InjectedRequest, inject } from '#http/inject.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { rescue } from '#pipeline/rescue.ts';

/** Sends a request, for `/` when not given, without a socket. Resolves with the answer that `onExchange` sees to. */
export function injectExchange(
  clock: Clock,
  onExchange: (exchange: Exchange) => void,
  request: InjectedRequest = { url: '/' },
): Promise<InjectedAnswer> {
  return inject(request, {
    target: { onExchange, onRefusedRequest: rescue, onExchangeFinished: () => undefined },
    nextRequestId: () => 'id',
    nowMs: () => clock.monotonicMs(),
    defaultListener: 'web',
    via: 'test',
    refuse: (reason) => gatewayErrors.internal({ reason }),
  });
}
