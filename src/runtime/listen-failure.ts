import { formatAddress, type SocketAddress } from '#net/address.ts';

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there already; end it or choose another address',
  EACCES: 'this user may not listen there; ports below 1024 need a privilege (CAP_NET_BIND_SERVICE)',
  EADDRNOTAVAIL: 'the machine has no such address',
  ENOENT: 'the folder of the socket does not exist',
};

/** A listener, or the admin side, cannot listen: which one, where, and what can be done. */
export class ListenFailure extends Error {
  override readonly name = 'ListenFailure';

  constructor(listener: string, address: SocketAddress, cause: unknown) {
    const { code } = cause as NodeJS.ErrnoException;
    const why = reasons[code ?? ''] ?? (cause instanceof Error ? cause.message : String(cause));
    super(`listener \`${listener}\` cannot listen on ${formatAddress(address)}: ${why}`, { cause });
  }
}
