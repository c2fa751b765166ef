import type { ClientSide, ExchangeObserver } from '#http/exchange.ts';

/** Where the answer to a request of the gateway's own would go if it went on. */
export const noClient: ClientSide & ExchangeObserver = {
  sendInformational() {},
  sendHead() {},
  sendChunk: () => true,
  flush: () => true,
  sendEnd() {},
  abort() {},
  resumeRequestBody() {},
  pauseRequestBody() {},
  describeClient: () => undefined,
  openTunnel: () => undefined,
  onExchangeFinished() {},
};
