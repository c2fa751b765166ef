/** `timeouts` of services and routes. */
import { z } from 'zod';
import { duration } from '#schema/duration.ts';

const connect = duration({ min: '10ms' }).describe('How long a new connection may take, with its TLS handshake.');
const firstByte = duration({ min: '10ms' }).describe(
  'How long the service may take until its answer begins, once it has the request.',
);
const idle = duration({ min: '10ms' }).describe('How long an answer that has begun may stand still.');
const attempt = duration({ min: '10ms' }).describe(
  'How long one attempt may take until its answer begins, with its connection and the sending of the request. Without it, what the others allow.',
);
const request = duration({ min: '10ms' }).describe(
  'How long a request may take from its head to the end of its answer, with all attempts. Without it, as long as something moves.',
);

export const serviceTimeouts = z.strictObject({
  connect: connect.prefault('5s'),
  firstByte: firstByte.prefault('60s'),
  idle: idle.prefault('60s'),
  attempt: attempt.optional(),
  request: request.optional(),
});

export const routeTimeouts = z.strictObject({
  firstByte: firstByte.optional(),
  idle: idle.optional(),
  attempt: attempt.optional(),
  request: request.optional(),
});
