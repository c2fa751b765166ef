import { defineErrors } from '#base/errors.ts';

export const oidcErrors = defineErrors('oidc', {
  missing: { side: 'client', stage: 'policy', status: 401, retry: 'never', help: 'Nobody is logged in.' },
  sessionRefused: { side: 'client', stage: 'policy', status: 401, retry: 'never', help: 'The session does not count.' },
  refused: {
    side: 'client',
    stage: 'policy',
    status: 400,
    retry: 'never',
    help: 'The login could not be completed. Open the page anew to log in.',
  },
  denied: { side: 'client', stage: 'policy', status: 403, retry: 'never', help: 'The provider of the login did not allow it.' },
  foreignLogout: {
    side: 'client',
    stage: 'policy',
    status: 403,
    retry: 'never',
    help: 'A logout has to come from a page of this site.',
  },
  providerUnavailable: {
    side: 'upstream',
    stage: 'policy',
    status: 503,
    retry: 'never',
    help: 'The provider of the login cannot be reached.',
  },
  storeUnavailable: {
    side: 'upstream',
    stage: 'policy',
    status: 503,
    retry: 'never',
    help: 'Sessions cannot be looked up at the moment.',
  },
  sessionTooLarge: {
    side: 'gateway',
    stage: 'policy',
    status: 500,
    retry: 'never',
    help: 'The login was successful, and what it says is too much for a cookie.',
  },
});
