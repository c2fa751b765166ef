/**
 * Answers the authority that looks whether names are ours (HTTP-01, RFC 8555 §8.3), before any route. On every listener that
 * speaks HTTP: the authority begins on port 80 and follows redirects, also to HTTPS.
 */
import type { Exchange } from '#http/exchange.ts';

const PREFIX = '/.well-known/acme-challenge/';

export class AcmeAnswers {
  readonly #bodies: ReadonlyMap<string, Buffer>;

  /** Key authorizations by token. */
  constructor(authorizations: Readonly<Record<string, string>>) {
    this.#bodies = new Map(Object.entries(authorizations).map(([token, text]) => [token, Buffer.from(text, 'latin1')]));
  }

  /** Whether the request was for a challenge of ours; those of others go their way. */
  answer(exchange: Exchange): boolean {
    const { method, path } = exchange.request;
    if (!path.startsWith(PREFIX) || (method !== 'GET' && method !== 'HEAD')) return false;
    const body = this.#bodies.get(path.slice(PREFIX.length));
    if (body === undefined) return false;
    exchange.sendReply({
      status: 200,
      fields: ['content-type', 'application/octet-stream', 'cache-control', 'no-store'],
      contentLengthBytes: body.length,
      body,
    });
    return true;
  }
}
