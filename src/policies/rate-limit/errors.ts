import { defineErrors } from '#base/errors.ts';

export const rateLimitErrors = defineErrors('rate-limit', {
  exceeded: {
    side: 'client',
    stage: 'policy',
    status: 429,
    retry: 'never',
    help: 'There were too many requests.',
  },
});
