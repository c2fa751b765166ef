import { createServer } from 'node:net';
import type { SocketAddress } from '#net/address.ts';

/**
 * Makes sure that nobody else listens on an address, and finds a port where the configuration leaves it open (port 0).
 * Data threads share ports with `SO_REUSEPORT`, which would let them share with another gateway's too, silently.
 */
export async function probeAddress(address: SocketAddress): Promise<SocketAddress> {
  if ('path' in address) return address;
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port, exclusive: true }, resolve);
  });
  const bound = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return bound === null || typeof bound === 'string' ? address : { host: address.host, port: bound.port };
}
