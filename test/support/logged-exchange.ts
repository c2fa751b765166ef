/** An exchange as the access log is given it, without a gateway around it. */
import { type ClientRequest, type ClientSide, Exchange, ForwardingFields } from '#http/exchange.ts';

export const loggedRequest: ClientRequest = {
  listener: 'web',
  protocol: 'HTTP/1.1',
  method: 'GET',
  path: '/a',
  query: 'b=1',
  target: '/a?b=1',
  authority: 'shop.example:80',
  host: 'shop.example',
  fields: [],
  fieldText: undefined,
  contentLengthBytes: -1,
  hasBody: false,
  acceptsTrailers: false,
  expectsContinue: false,
  upgrade: undefined,
  clientAddress: '192.0.2.7',
  peerAddress: '192.0.2.7',
  clientPort: 1,
  scheme: 'http',
  forwardingFields: new ForwardingFields([]),
};

export interface LoggedExchange extends Partial<ClientRequest> {
  readonly startedMs?: number;
  readonly onFinished?: (exchange: Exchange) => void;
}

/** Answered with 200. Path and query follow from `target`. */
export function makeExchange({ startedMs = 0, onFinished = () => undefined, ...changed }: LoggedExchange = {}): Exchange {
  const { target = loggedRequest.target } = changed;
  const question = target.indexOf('?');
  const path = question < 0 ? target : target.slice(0, question);
  const query = question < 0 ? '' : target.slice(question + 1);
  const request = { ...loggedRequest, target, path, query, ...changed };
  const exchange = new Exchange({} as ClientSide, { onExchangeFinished: onFinished }, request, { requestId: 'id-1', startedMs });
  exchange.status = 200;
  return exchange;
}
