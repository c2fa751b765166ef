/** A request as a client might have sent it, for what looks at requests alone. */
import { type ClientRequest, ForwardingFields } from '#http/exchange.ts';

/** `fields`: lower-case names and values, alternating. */
export function injectedRequest(url: string, fields: readonly string[]): ClientRequest {
  const [path = '/', query = ''] = url.split('?', 2);
  return {
    listener: 'web',
    protocol: 'HTTP/1.1',
    method: 'GET',
    path,
    query,
    target: url,
    authority: 'shop.example.com',
    host: 'shop.example.com',
    fields,
    fieldText: undefined,
    contentLengthBytes: -1,
    hasBody: false,
    acceptsTrailers: false,
    expectsContinue: false,
    upgrade: undefined,
    clientAddress: '198.51.100.7',
    peerAddress: '198.51.100.7',
    clientPort: 51_234,
    scheme: 'https',
    forwardingFields: new ForwardingFields([]),
  };
}
