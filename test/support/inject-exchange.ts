import type { Clock } from '#base/clock.ts';
import type { Exchange } from '#http/exchange.ts';
import { type InjectedAnswer, inject } from '#http/inject.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { rescue } from '#pipeline/rescue.ts';

/** Asks for `/` without a socket. Resolves with the answer that `onExchange` sees to. */
export function injectExchange(clock: Clock, onExchange: (exchange: Exchange) => void): Promise<InjectedAnswer> {
  return inject(
    { url: '/' },
    {
      target: { onExchange, onRefusedRequest: rescue, onExchangeFinished: () => undefined },
      nextRequestId: () => 'id',
      nowMs: () => clock.monotonicMs(),
      defaultListener: 'web',
      via: 'test',
      refuse: (reason) => gatewayErrors.internal({ reason }),
    },
  );
}
