import { defineErrors } from '#base/errors.ts';

export const corsErrors = defineErrors('cors', {
  originRefused: {
    side: 'client',
    stage: 'policy',
    status: 403,
    retry: 'never',
    help: 'Pages of this origin may not ask from browsers.',
  },
});
