/** What a client is told on a connection of TLS whose handshake comes to nothing, where OpenSSL itself says nothing. */
import { writeSync } from 'node:fs';
import { defineErrors } from '#base/errors.ts';
import { reasonOf } from '#wire/http1/encode.ts';

/** What the accepted connection's handle has, and Node's types leave out; negative where the system has no such number. */
interface DescribedHandle {
  readonly fd?: number;
}

/**
 * Writes the last that a connection carries. The connection's own write goes through TLS and can say nothing here, hence the
 * descriptor: the bytes are few and none were written before them, so they fit into what the system holds for the client, and
 * the write does not wait. A client that has gone is not told.
 */
export function writePastTls(handle: unknown, bytes: Buffer): void {
  const { fd } = handle as DescribedHandle;
  if (fd === undefined || fd < 0) return;
  try {
    writeSync(fd, bytes);
  } catch {
    // The client is not there any more.
  }
}

/** A fatal alert in a record of its own (RFC 8446 §6, RFC 6066 §3): the client asks for a host that it is refused. */
export const unrecognizedName = Buffer.from('15030300020270', 'hex');

const tlsErrors = defineErrors('tls', {
  plainHttp: {
    side: 'client',
    stage: 'accept',
    status: 400,
    retry: 'never',
    help: 'The request came without TLS to a port of TLS; ask with https.',
  },
});

/** True where the client speaks HTTP without TLS: OpenSSL has found a method in the first bytes. */
export function isPlainHttp(error: Error | null): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ERR_SSL_HTTP_REQUEST';
}

export const plainHttpAnswer = toPlainHttpAnswer();

function toPlainHttpAnswer(): Buffer {
  const { code, status, help } = tlsErrors.plainHttp.kind;
  const title = reasonOf(status);
  const body = `${JSON.stringify({ type: 'about:blank', title, status, detail: help, code })}\n`;
  const fields = ['content-type: application/problem+json', `content-length: ${Buffer.byteLength(body)}`, 'connection: close'];
  return Buffer.from([`HTTP/1.1 ${status} ${title}`, ...fields, '', body].join('\r\n'));
}
