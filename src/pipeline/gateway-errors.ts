import { defineErrors } from '#base/errors.ts';

/** Refusals and faults of the gateway itself. */
export const gatewayErrors = defineErrors('gateway', {
  grpcDeadline: {
    side: 'upstream',
    stage: 'receive',
    status: 504,
    retry: 'never',
    help: 'The call did not end within the time that its client gave it.',
  },
  noRoute: { side: 'client', stage: 'route', status: 404, retry: 'never', help: 'Nothing is published at this address.' },
  overloaded: {
    side: 'gateway',
    stage: 'route',
    status: 503,
    retry: 'never',
    help: 'The gateway has more requests than it can take, and more important ones go first.',
  },
  internal: { side: 'gateway', stage: 'policy', status: 500, retry: 'never', help: 'The gateway failed to handle the request.' },
});
