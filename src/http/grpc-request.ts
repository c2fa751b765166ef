import { getField } from '#wire/fields/field-list.ts';
import { isGrpcType, parseGrpcTimeout } from '#wire/grpc/grpc-message.ts';
import type { ClientRequest } from './exchange.ts';

/** Over HTTP/1 there is no gRPC, so the fields of its requests need not be looked at. */
export function isGrpcRequest(request: ClientRequest): boolean {
  if (request.method !== 'POST' || request.fieldText !== undefined) return false;
  const type = getField(request.fields, 'content-type');
  return type !== undefined && isGrpcType(type);
}

/** Over HTTP/1 an answer could lose its trailers, and with them how it ended. */
export function isGrpcCall(request: ClientRequest): boolean {
  return request.protocol === 'HTTP/2' && isGrpcRequest(request);
}

/** Whether a status of gRPC is still to come, behind an answer that has begun. */
export function endsWithGrpcStatus(request: ClientRequest, answer: { readonly fields: readonly string[] }): boolean {
  if (!isGrpcCall(request)) return false;
  const type = getField(answer.fields, 'content-type');
  return type !== undefined && isGrpcType(type);
}

/** How long the client of a call is willing to wait for the end of the answer; `undefined`: it does not say. */
export function grpcTimeoutMs(request: ClientRequest): number | undefined {
  const text = isGrpcRequest(request) ? getField(request.fields, 'grpc-timeout') : undefined;
  return text === undefined ? undefined : parseGrpcTimeout(text);
}
