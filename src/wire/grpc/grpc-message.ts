/** What gRPC says in header fields (PROTOCOL-HTTP2 of gRPC). Everything that is read may be an attacker's. */

export const GrpcStatus = {
  cancelled: 1,
  unknown: 2,
  deadlineExceeded: 4,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;
export type GrpcStatus = (typeof GrpcStatus)[keyof typeof GrpcStatus];

const GRPC = 'application/grpc';

/** `application/grpc`, alone or with a format such as `+proto`; not gRPC-Web, which is another protocol. */
export function isGrpcType(contentType: string): boolean {
  if (!contentType.toLowerCase().startsWith(GRPC)) return false;
  const next = contentType[GRPC.length];
  return next === undefined || next === '+' || next === ';';
}

/** What a client of gRPC is told instead of a status of HTTP (the mapping of gRPC's http-grpc-status-mapping). */
export function toGrpcStatus(status: number): GrpcStatus {
  switch (status) {
    case 400:
    case 500:
      return GrpcStatus.internal;
    case 401:
      return GrpcStatus.unauthenticated;
    case 403:
      return GrpcStatus.permissionDenied;
    case 404:
    case 405:
    case 501:
      return GrpcStatus.unimplemented;
    case 413:
    case 414:
    case 431:
      return GrpcStatus.resourceExhausted;
    case 429:
    case 502:
    case 503:
    case 504:
      return GrpcStatus.unavailable;
    case 499:
      return GrpcStatus.cancelled;
    default:
      return GrpcStatus.unknown;
  }
}

/** `grpc-message`: UTF-8 in which everything but visible ASCII, and the percent sign, is percent-encoded. */
export function encodeGrpcMessage(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== PERCENT;
    encoded += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

const PERCENT = 0x25;
const TIMEOUT = /^(\d{1,8})([HMSmun])$/;
const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 };

/** `grpc-timeout` in milliseconds; `undefined` when it is none. */
export function parseGrpcTimeout(text: string): number | undefined {
  const match = TIMEOUT.exec(text);
  return match === null ? undefined : Number(match[1]) * unitMs[match[2]!]!;
}
