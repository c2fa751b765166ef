import { defineErrors } from '#base/errors.ts';

export const forwardAuthErrors = defineErrors('forward-auth', {
  // The answer is that of the service which was asked, where the client can read it.
  denied: { side: 'client', stage: 'policy', status: 403, retry: 'never', help: 'Access is denied.' },
  unavailable: {
    side: 'upstream',
    stage: 'policy',
    status: 503,
    retry: 'never',
    help: 'It cannot be found out at the moment whether the request may pass.',
  },
});
