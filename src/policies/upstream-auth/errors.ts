import { defineErrors } from '#base/errors.ts';

export const upstreamAuthErrors = defineErrors('upstream-auth', {
  noToken: {
    side: 'upstream',
    stage: 'policy',
    status: 503,
    retry: 'never',
    help: 'The gateway has no credential for the service at the moment.',
  },
});
