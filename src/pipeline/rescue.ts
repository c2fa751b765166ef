/** The only place where an error becomes an answer. */
import { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import type { Reply } from '#http/response.ts';
import { reasonOf } from '#wire/http1/encode.ts';
import { gatewayErrors } from './gateway-errors.ts';

/** Ends an exchange with an error: as a problem document (RFC 9457), or by breaking off an answer that has begun. */
export function rescue(exchange: Exchange, error: GatewayError): void {
  if (exchange.isFinished) return;
  exchange.error ??= error;
  exchange.source = undefined;
  if (exchange.hasResponseBegun) exchange.client.abort();
  else exchange.sendReply(toProblem(error, exchange.requestId));
}

/** The same for something thrown: a fault of ours, whatever it is. */
export function rescueThrown(exchange: Exchange, thrown: unknown): void {
  if (thrown instanceof GatewayError) return rescue(exchange, thrown);
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  rescue(exchange, gatewayErrors.internal({ reason }, { cause: thrown }));
}

function toProblem(error: GatewayError, requestId: string): Reply {
  const { status, code, kind, publicDetail } = error;
  const problem = {
    type: 'about:blank',
    title: reasonOf(status),
    status,
    detail: publicDetail === undefined ? kind.help : `${kind.help.slice(0, -1)}: ${publicDetail}.`,
    code,
    requestId,
  };
  const body = Buffer.from(`${JSON.stringify(problem)}\n`);
  return { status, fields: ['content-type', 'application/problem+json'], contentLengthBytes: body.length, body };
}
