import { defineErrors } from '#base/errors.ts';

export const quotaErrors = defineErrors('quota', {
  exceeded: {
    side: 'client',
    stage: 'policy',
    status: 429,
    retry: 'never',
    help: 'The quota is used up.',
  },
});
