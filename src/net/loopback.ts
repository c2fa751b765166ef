import { isIP } from 'node:net';
import type { ListenAddress } from '#schema/address.ts';

/** Whether only this machine reaches a host: its name, or an address of it. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}

/** Whether others than this machine reach an address that the gateway listens on. */
export function isReachable(address: ListenAddress): boolean {
  return !('path' in address) && !isLoopbackHost(address.host);
}
