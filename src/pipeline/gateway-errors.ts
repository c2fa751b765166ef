import { defineErrors } from '#base/errors.ts';

/** Refusals and faults of the gateway itself. */
export const gatewayErrors = defineErrors('gateway', {
  noRoute: { side: 'client', stage: 'route', status: 404, retry: 'never', help: 'Nothing is published at this address.' },
  internal: { side: 'gateway', stage: 'policy', status: 500, retry: 'never', help: 'The gateway failed to handle the request.' },
});
