/**
 * What spans of calls of gRPC say, by the semantic conventions of OpenTelemetry for RPC, of the time in which those for HTTP became
 * stable: `rpc.system`, `rpc.grpc.status_code`. Paths and statuses may be anything.
 */
import type { Exchange } from '#http/exchange.ts';
import type { TracedAttempt } from '#http/exchange-trace.ts';
import { getField } from '#wire/fields/field-list.ts';
import { GrpcStatus, toGrpcStatus } from '#wire/grpc/grpc-message.ts';
import { parseGrpcStatus, toGrpcStatusName } from '#wire/grpc/grpc-status.ts';
import type { SpanBatchWriter } from './otlp-spans.ts';

const OK = 0;
const dataLoss = 15;
/** Of the others, the conventions hold the client to be the one who has to do something. */
const serverErrors: ReadonlySet<number> = new Set([
  GrpcStatus.unknown,
  GrpcStatus.deadlineExceeded,
  GrpcStatus.unimplemented,
  GrpcStatus.internal,
  GrpcStatus.unavailable,
  dataLoss,
]);

/** `/shop.v1.Orders/Report`, with what may follow of a query. */
const CALL_PATH = /^\/([^/?]{1,512})\/([^/?]{1,512})(?:\?|$)/;

/** `status`: with which the call has ended; `undefined`: nobody waited for it. */
export function writeCallAttributes(writer: SpanBatchWriter, target: string, status: number | undefined): void {
  const [, service, method] = CALL_PATH.exec(target) ?? [];
  writer.attribute('rpc.system', 'grpc');
  writer.attribute('rpc.service', service);
  writer.attribute('rpc.method', method);
  writer.attribute('rpc.grpc.status_code', status);
}

/**
 * As the conventions name spans, where the route is that of one method. `undefined`: a client has chosen the method, and what it
 * makes up would be as many names as it likes.
 */
export function toCallName(path: string, pathPattern: string | undefined): string | undefined {
  return path === pathPattern ? path.slice(1) : undefined;
}

/** What the client was told; or what its library makes of what it was given instead. */
export function findCallStatus({ sentFields, sentTrailers, error, status }: Exchange): number {
  const text = getField(sentTrailers ?? [], 'grpc-status') ?? getField(sentFields ?? [], 'grpc-status');
  const said = text === undefined ? undefined : parseGrpcStatus(text);
  return said ?? toGrpcStatus(error?.status ?? status);
}

/** `undefined`: nobody waited for it. */
export function findAttemptStatus({ grpcStatus, error, status, endedMs, isCancelled }: TracedAttempt): number | undefined {
  if (error !== undefined) return toGrpcStatus(error.status);
  if (grpcStatus >= OK) return grpcStatus;
  return isCancelled || endedMs === 0 ? undefined : toGrpcStatus(status);
}

export function isServerError(status: number): boolean {
  return serverErrors.has(status);
}

/** As gRPC writes it. */
export function toStatusName(status: number): string {
  return status === OK ? 'OK' : toGrpcStatusName(status).toUpperCase().replaceAll('-', '_');
}
