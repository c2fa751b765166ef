import { defineErrors } from '#base/errors.ts';

export const mockErrors = defineErrors('mock', {
  unknownPath: { side: 'client', stage: 'policy', status: 404, retry: 'never', help: 'The API has no such path.' },
  unknownMethod: {
    side: 'client',
    stage: 'policy',
    status: 405,
    retry: 'never',
    help: 'The API does not have this method here.',
  },
  notAcceptable: {
    side: 'client',
    stage: 'policy',
    status: 406,
    retry: 'never',
    help: 'The API has no answer of a type that the request accepts.',
  },
  noAnswer: {
    side: 'gateway',
    stage: 'policy',
    status: 501,
    retry: 'never',
    help: 'The document of the API declares no answer that could be shown.',
  },
});
