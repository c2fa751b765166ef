import { defineErrors } from '#base/errors.ts';

export const opaErrors = defineErrors('opa', {
  denied: { side: 'client', stage: 'policy', status: 403, retry: 'never', help: 'Access is denied.' },
  unavailable: {
    side: 'upstream',
    stage: 'policy',
    status: 503,
    retry: 'never',
    help: 'It cannot be found out at the moment whether the request may pass.',
  },
});
