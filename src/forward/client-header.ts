import type { Exchange } from '#http/exchange.ts';
import { encodeClientHeader } from '#net/proxied-client.ts';

/**
 * The PROXY header of an attempt of this exchange. The client is told of as far back as trusted proxies know; the port of one
 * that they tell of is not known.
 */
export function encodeHeaderFor({ client, request }: Exchange, version: 'v1' | 'v2'): Buffer {
  const described = client.describeClient();
  if (described === undefined) return encodeClientHeader(version, undefined);
  const { clientAddress: address } = request;
  const source = described.source.address === address ? described.source : { address, port: 0 };
  return encodeClientHeader(version, { ...described, source });
}
