/**
 * Makes sure that nobody else listens on an address. Data threads share ports with `SO_REUSEPORT`, which would let them
 * share with another gateway's too, silently; and the file of a Unix socket outlives a process that was killed.
 */
import { lstat, unlink } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { SocketAddress } from '#net/address.ts';

/** The address, with a port that is free where the configuration leaves it open (port 0). Rejects as listening would. */
export async function probeAddress(address: SocketAddress): Promise<SocketAddress> {
  if ('path' in address) {
    await clearSocketFile(address.path);
    return address;
  }
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address.host, port: address.port, exclusive: true }, resolve);
  });
  const bound = server.address();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return bound === null || typeof bound === 'string' ? address : { host: address.host, port: bound.port };
}

/** Whether listening on one of two addresses takes the other's port. */
export function isSamePort(one: SocketAddress, other: SocketAddress): boolean {
  if ('path' in one || 'path' in other) return 'path' in one && 'path' in other && one.path === other.path;
  return one.port === other.port && one.port !== 0;
}

/** Removes the file of a socket on which nobody answers any more. Anything else that stands there is left alone. */
async function clearSocketFile(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined) return;
  if (!found.isSocket() || (await isAnswered(path))) throw Object.assign(new Error(`${path} is taken`), { code: 'EADDRINUSE' });
  await unlink(path);
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED'));
  });
}
