import { defineErrors } from '#base/errors.ts';

export const jwtErrors = defineErrors('jwt', {
  missing: { side: 'client', stage: 'policy', status: 401, retry: 'never', help: 'The request shows no token.' },
  refused: { side: 'client', stage: 'policy', status: 401, retry: 'never', help: 'The token does not count.' },
  keysUnavailable: {
    side: 'upstream',
    stage: 'policy',
    status: 503,
    retry: 'never',
    help: 'Tokens cannot be checked at present.',
  },
});
