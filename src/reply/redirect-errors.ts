import { defineErrors } from '#base/errors.ts';

/** Why a client cannot be sent elsewhere. */
export const redirectErrors = defineErrors('redirect', {
  unusableHost: {
    side: 'client',
    stage: 'reply',
    status: 400,
    retry: 'never',
    help: 'The request does not name a host that it could be redirected to.',
  },
});
