/** What a call of gRPC ends with. The first one is 1: the list lacks 0, which is `OK`. */
export const grpcStatusNames = [
  'cancelled',
  'unknown',
  'invalid-argument',
  'deadline-exceeded',
  'not-found',
  'already-exists',
  'permission-denied',
  'resource-exhausted',
  'failed-precondition',
  'aborted',
  'out-of-range',
  'unimplemented',
  'internal',
  'unavailable',
  'data-loss',
  'unauthenticated',
] as const;
export type GrpcStatusName = (typeof grpcStatusNames)[number];

/**
 * In the order of the names: the status of HTTP that says as much (google.rpc.Code). A method that is not there is the client's
 * mistake, though, as a path is: 404 instead of 501, or clients could make a service look broken.
 */
const httpStatuses = [499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 404, 500, 503, 500, 401] as const;

const DIGITS = /^\d{1,2}$/;

export function toGrpcStatusCode(name: GrpcStatusName): number {
  return grpcStatusNames.indexOf(name) + 1;
}

/** `code` is not 0. */
export function toGrpcStatusName(code: number): GrpcStatusName {
  return grpcStatusNames[code - 1]!;
}

/** The number in `grpc-status`, which may be anything; `undefined`: nothing that gRPC knows. */
export function parseGrpcStatus(text: string): number | undefined {
  return DIGITS.test(text) && Number(text) <= grpcStatusNames.length ? Number(text) : undefined;
}

/** For whoever judges services by the statuses of HTTP. `code` is not 0. */
export function toHttpStatus(code: number): number {
  return httpStatuses[code - 1]!;
}
