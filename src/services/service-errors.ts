import { defineErrors } from '#base/errors.ts';

/** Why no endpoint of a service could be asked at all. */
export const serviceErrors = defineErrors('service', {
  noEndpoint: {
    side: 'upstream',
    stage: 'connect',
    status: 503,
    retry: 'never',
    help: 'No endpoint of the service can take the request.',
  },
});
