/** What the errors of sockets mean: why a connection to an upstream could not be made, or was lost. */
import type { ErrorDetail, GatewayError } from '#base/errors.ts';
import { upstreamErrors } from './upstream-errors.ts';

/** How far a call had come when its connection was lost. */
export interface LossSituation {
  readonly hasAnswerBegun: boolean;
  /** Something of an answer has come that is no whole head: the request is being worked on. */
  readonly isBeingAnswered: boolean;
}

/** In a line such as `80C1…:error:0A000410:SSL routines:ssl3_read_bytes:ssl/tls alert handshake failure:…`. */
const OPENSSL_REASON = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+)/;

type Cause = NodeJS.ErrnoException & { readonly reason?: string };

/** For a connection that was not made. Without an error the upstream has closed it. */
export function toConnectLoss(error: Error | undefined, { isSecure }: { readonly isSecure: boolean }): GatewayError {
  const cause = error as Cause | undefined;
  const options = { cause };
  if (isResolverError(cause)) return upstreamErrors.unresolved(toDetail(cause), options);
  // Several addresses that all failed come as an error with a list of errors.
  const isConnect = cause?.syscall === 'connect' || (cause !== undefined && 'errors' in cause);
  if (!isSecure || isConnect) return upstreamErrors.unreachable(toDetail(cause), options);
  return upstreamErrors.tls(toTlsDetail(cause), options);
}

/** For a connection that was of use until now. */
export function toCallLoss(error: Error | undefined, { hasAnswerBegun, isBeingAnswered }: LossSituation): GatewayError {
  const options = { cause: error };
  const detail = toDetail(error);
  if (hasAnswerBegun) return upstreamErrors.truncatedBody(detail, options);
  // After an informational answer the request is being worked on, so it must not be taken for one that nobody saw.
  if (isBeingAnswered) return upstreamErrors.truncatedHead(detail, options);
  // RFC 8446 §4.4.2.4: a server refuses the certificate of its client after the client's side of the handshake is over.
  if (isTlsAlert(error)) return upstreamErrors.tls(toTlsDetail(error), options);
  return upstreamErrors.lostBeforeAnswer(detail, options);
}

function toDetail(cause: Cause | undefined): ErrorDetail {
  return { reason: cause?.code ?? cause?.message ?? 'closed' };
}

/** The code names the kind of problem, and the message what was expected and what was there. */
function toTlsDetail(cause: Cause | undefined): ErrorDetail {
  const reason = cause?.code ?? 'closed';
  const explanation = cause?.reason ?? OPENSSL_REASON.exec(cause?.message ?? '')?.[1] ?? cause?.message;
  return explanation === undefined || explanation === reason ? { reason } : { reason, explanation };
}

function isTlsAlert(error: Error | undefined): error is Cause {
  const code = (error as Cause | undefined)?.code;
  return code === 'EPROTO' || code?.startsWith('ERR_SSL_') === true;
}

function isResolverError(cause: Cause | undefined): boolean {
  return (
    cause?.syscall === 'getaddrinfo' || cause?.code === 'ENOTFOUND' || /^(query|ENODATA|ESERVFAIL)/.test(cause?.syscall ?? '')
  );
}
