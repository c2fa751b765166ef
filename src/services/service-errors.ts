import { defineErrors } from '#base/errors.ts';

/** Why nobody of a service was asked at all. */
export const serviceErrors = defineErrors('service', {
  noEndpoint: {
    side: 'upstream',
    stage: 'connect',
    status: 503,
    retry: 'never',
    help: 'No endpoint of the service can take the request.',
  },
  circuitOpen: {
    side: 'upstream',
    stage: 'connect',
    status: 503,
    retry: 'never',
    help: 'The service has failed too often and is left alone for a while.',
  },
  overloaded: {
    side: 'upstream',
    stage: 'connect',
    status: 503,
    retry: 'never',
    help: 'The service has as many requests as it can take, and as many wait as may.',
  },
  queueTimeout: {
    side: 'upstream',
    stage: 'connect',
    status: 503,
    retry: 'never',
    help: 'The request has waited too long for its turn at the service.',
  },
});
