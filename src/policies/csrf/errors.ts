import { defineErrors } from '#base/errors.ts';

export const csrfErrors = defineErrors('csrf', {
  crossOrigin: {
    side: 'client',
    stage: 'policy',
    status: 403,
    retry: 'never',
    help: 'A page of another origin may not do this.',
  },
});
