import { defineErrors } from '#base/errors.ts';

export const faultErrors = defineErrors('fault', {
  // It stands for a service that fails: whoever looks for faults of the gateway is not to find it.
  aborted: {
    side: 'upstream',
    stage: 'policy',
    status: 503,
    retry: 'never',
    help: 'The request was refused on purpose, to see what happens then.',
  },
});
