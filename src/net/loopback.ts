import { isIP } from 'node:net';

/** Whether only this machine reaches a host: its name, or an address of it. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  if (name === 'localhost' || name === '::1') return true;
  return isIP(name) === 4 && name.startsWith('127.');
}
