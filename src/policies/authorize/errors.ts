import { defineErrors } from '#base/errors.ts';

export const authorizeErrors = defineErrors('authorize', {
  denied: { side: 'client', stage: 'policy', status: 403, retry: 'never', help: 'Whoever asks may not do this.' },
  insufficientScope: {
    side: 'client',
    stage: 'policy',
    status: 403,
    retry: 'never',
    help: 'The token that was shown does not allow this.',
  },
});
