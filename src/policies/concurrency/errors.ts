import { defineErrors } from '#base/errors.ts';

export const concurrencyErrors = defineErrors('concurrency', {
  exceeded: {
    side: 'client',
    stage: 'policy',
    status: 429,
    retry: 'never',
    help: 'There are too many requests at the same time.',
  },
});
