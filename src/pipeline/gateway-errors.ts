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
  internal: { side: 'gateway', stage: 'policy', status: 500, retry: 'never', help: 'The gateway failed to handle the request.' },
});
