/** Where a listener listens or an endpoint is reached. */
export type SocketAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** IPv4 clients of a dual-stack listener come as `::ffff:a.b.c.d`. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** As it is written in a configuration: `host:port`, `[v6]:port` or `unix:/path`. */
export function formatAddress(address: SocketAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`;
}
