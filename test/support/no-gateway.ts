/** For snapshots through which nothing is sent that begins inside of the gateway. */
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { rescue } from '#pipeline/rescue.ts';
import type { SnapshotMeans } from '#snapshot/compile.ts';

export const noGateway: Pick<SnapshotMeans, 'gateway' | 'nextRequestId'> = {
  gateway: {
    onExchange: (exchange) => rescue(exchange, gatewayErrors.internal({ reason: 'there is no gateway' })),
    onRefusedRequest: rescue,
    onExchangeFinished: () => undefined,
  },
  nextRequestId: () => 'none',
};
