/** What a client hears that speaks HTTP without TLS to a listener with TLS. */
import { writeSync } from 'node:fs';
import { STATUS_CODES } from 'node:http';
import { defineErrors } from '#base/errors.ts';

const tlsErrors = defineErrors('tls', {
  plainHttp: {
    side: 'client',
    stage: 'accept',
    status: 400,
    retry: 'never',
    help: 'The request came without TLS to a port of TLS; ask with https.',
  },
});

/** What the accepted connection's handle has, and Node's types leave out; negative where the system has no such number. */
interface DescribedHandle {
  readonly fd?: number;
}

/** True where that is why a handshake failed: OpenSSL has found a method in the first bytes. */
export function isPlainHttp(error: Error | null): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ERR_SSL_HTTP_REQUEST';
}

/**
 * Answers the client past TLS, as the last that its connection carries. The connection's own write goes through TLS and can
 * say nothing here, hence the descriptor: the answer is small and nothing was written before it, so it fits into what the
 * system holds for the client, and the write does not wait. A client that has gone is not told.
 */
export function answerPlainHttp(handle: unknown): void {
  const { fd } = handle as DescribedHandle;
  if (fd === undefined || fd < 0) return;
  try {
    writeSync(fd, answer);
  } catch {
    // The client is not there any more.
  }
}

const answer = toAnswer();

function toAnswer(): Buffer {
  const { code, status, help } = tlsErrors.plainHttp.kind;
  const title = STATUS_CODES[status];
  const body = `${JSON.stringify({ type: 'about:blank', title, status, detail: help, code })}\n`;
  const fields = ['content-type: application/problem+json', `content-length: ${Buffer.byteLength(body)}`, 'connection: close'];
  return Buffer.from([`HTTP/1.1 ${status} ${title}`, ...fields, '', body].join('\r\n'));
}
