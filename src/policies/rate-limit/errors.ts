import { defineErrors } from '#base/errors.ts';

export const rateLimitErrors = defineErrors('rate-limit', {
  exceeded: {
    side: 'client',
    stage: 'policy',
    status: 429,
    retry: 'never',
    help: 'There were too many requests.',
  },
  storeAway: {
    // Not of our own doing: it may happen to each request, and each with a stack in the log would make it worse.
    side: 'upstream',
    stage: 'policy',
    status: 503,
    retry: 'never',
    help: 'It is not known at the moment whether there were too many requests.',
  },
});
