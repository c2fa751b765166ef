/** The service that calls of gRPC are made to: `Get` sends back what it is given, `Hold` answers when all have asked. */
import type { ServiceDefinition } from '@grpc/grpc-js';

/** Messages are bytes. */
export function asIs(bytes: Buffer): Buffer {
  return bytes;
}

export const echoPaths = { get: '/bench.Echo/Get', hold: '/bench.Echo/Hold' } as const;

const unary = (path: string) => ({
  path,
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
});

export const echoService: ServiceDefinition = { Get: unary(echoPaths.get), Hold: unary(echoPaths.hold) };
