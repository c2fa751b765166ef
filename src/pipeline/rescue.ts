/** The only place where an error becomes an answer. */
import { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ExchangeTrace } from '#http/exchange-trace.ts';
import { isGrpcRequest } from '#http/grpc-request.ts';
import type { Reply, ResponseHead } from '#http/response.ts';
import { encodeGrpcMessage, GrpcStatus, toGrpcStatus } from '#wire/grpc/grpc-message.ts';
import { reasonOf } from '#wire/http1/encode.ts';
import { gatewayErrors } from './gateway-errors.ts';

/** Errors for which gRPC has a better status than the one for their status of HTTP. */
const grpcStatuses: Readonly<Record<string, GrpcStatus>> = {
  GH_GATEWAY_GRPC_DEADLINE: GrpcStatus.deadlineExceeded,
  GH_CONCURRENCY_EXCEEDED: GrpcStatus.resourceExhausted,
  GH_QUOTA_EXCEEDED: GrpcStatus.resourceExhausted,
  GH_RATE_LIMIT_EXCEEDED: GrpcStatus.resourceExhausted,
};

/**
 * Ends an exchange with an error: as a problem document (RFC 9457), or as a status of gRPC for its clients. An answer that
 * has begun is broken off, unless it is one of gRPC, whose trailers say how it ended.
 */
export function rescue(exchange: Exchange, error: GatewayError): void {
  if (exchange.isFinished) return;
  exchange.error ??= error;
  leaveSource(exchange);
  if (!exchange.hasResponseBegun) exchange.sendReply(toReply(exchange, error));
  // A client that is behind is not waited for: what it has not read yet may not be ours to keep.
  else if (exchange.endsWithGrpcStatus && exchange.client.flush()) exchange.client.sendEnd(toGrpcStatusFields(error));
  else exchange.client.abort();
}

/** The same for something thrown: a fault of ours, whatever it is. */
export function rescueThrown(exchange: Exchange, thrown: unknown): void {
  rescue(exchange, toFault(thrown));
}

/**
 * A policy failed while the head of an answer was shaped. Whoever sends that answer is in the middle of it, so the head
 * becomes that of a problem document where it is.
 */
export function replaceAnswer(exchange: Exchange, response: ResponseHead, thrown: unknown): void {
  const error = toFault(thrown);
  // Takes the place of an earlier error: a fault of ours is the one that somebody has to look into.
  exchange.error = error;
  // The upstream has changed the protocol already: there is no answer any more that could be replaced.
  if (response.status === 101) return;
  const problem = toReply(exchange, error);
  response.status = problem.status;
  response.fields = problem.fields;
  response.contentLengthBytes = problem.contentLengthBytes;
  if (isReply(response)) {
    response.body = problem.body;
    return;
  }
  leaveSource(exchange);
  // The head is sent when this returns; the body comes behind it.
  queueMicrotask(() => sendBody(exchange, problem));
}

/** The same where nobody but the client takes anything any more: the problem document goes straight to it, or the answer ends here. */
export function answerFault(exchange: Exchange, thrown: unknown): void {
  const error = toFault(thrown);
  exchange.error = error;
  leaveSource(exchange);
  exchange.dropStages();
  if (exchange.isFinished) return;
  if (exchange.hasResponseBegun) return exchange.client.abort();
  const problem = toReply(exchange, error);
  exchange.beginAnswer(problem);
  sendBody(exchange, problem);
}

/** What was thrown, as an error that says nothing about the inside. */
export function toFault(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  return gatewayErrors.internal({ reason }, { cause: thrown });
}

/** Tells whoever produces the answer that nobody waits for it any more. */
export function leaveSource(exchange: Exchange): void {
  const { source } = exchange;
  exchange.source = undefined;
  source?.onClientGone();
}

function isReply(response: ResponseHead): response is Reply {
  return 'body' in response;
}

function sendBody(exchange: Exchange, { body }: Reply): void {
  if (!exchange.isFinished && body !== undefined) exchange.answer.sendChunk(body);
  if (!exchange.isFinished) exchange.answer.sendEnd(undefined);
}

/** The error in the language of the client. */
function toReply(exchange: Exchange, error: GatewayError): Reply {
  return isGrpcRequest(exchange.request) ? toGrpcAnswer(error) : toProblem(error, exchange.requestId, exchange.trace);
}

/** A client of gRPC looks at its own status alone; an answer without a body is what it calls trailers-only. */
function toGrpcAnswer(error: GatewayError): Reply {
  const fields = ['content-type', 'application/grpc', ...toGrpcStatusFields(error)];
  return { status: 200, fields, contentLengthBytes: 0, body: undefined };
}

function toGrpcStatusFields({ status, code, kind, publicDetail }: GatewayError): string[] {
  const grpcStatus = grpcStatuses[code] ?? toGrpcStatus(status);
  const message = encodeGrpcMessage(`${publicDetail ?? kind.help} (${code})`);
  return ['grpc-status', String(grpcStatus), 'grpc-message', message];
}

/** What a client is told of an error, in a sentence. */
export function toDetail({ kind, publicDetail }: GatewayError): string {
  return publicDetail === undefined ? kind.help : `${kind.help.slice(0, -1)}: ${publicDetail}.`;
}

/** The error as a problem document (RFC 9457). */
export function toProblem(error: GatewayError, requestId: string, trace?: ExchangeTrace): Reply {
  const { status, code } = error;
  const problem = {
    type: 'about:blank',
    title: reasonOf(status),
    status,
    detail: toDetail(error),
    code,
    requestId,
    ...(trace?.isSampled === true && { traceId: trace.traceId }),
    ...error.members,
  };
  const body = Buffer.from(`${JSON.stringify(problem)}\n`);
  const fields = ['content-type', 'application/problem+json', ...error.fields];
  // RFC 9110 §10.2.3: whole seconds.
  if (error.retryAfterMs !== undefined) fields.push('retry-after', String(Math.max(1, Math.ceil(error.retryAfterMs / 1_000))));
  return { status, fields, contentLengthBytes: body.length, body };
}
