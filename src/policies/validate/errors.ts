import { defineErrors } from '#base/errors.ts';

export const validateErrors = defineErrors('validate', {
  unknownPath: { side: 'client', stage: 'policy', status: 404, retry: 'never', help: 'The API has no such path.' },
  unknownMethod: {
    side: 'client',
    stage: 'policy',
    status: 405,
    retry: 'never',
    help: 'The API does not have this method here.',
  },
  invalidRequest: {
    side: 'client',
    stage: 'policy',
    status: 400,
    retry: 'never',
    help: 'The request is not what the API asks for; `errors` says where.',
  },
  unsupportedMediaType: {
    side: 'client',
    stage: 'policy',
    status: 415,
    retry: 'never',
    help: 'The API does not take bodies of this type.',
  },
  invalidAnswer: {
    side: 'upstream',
    stage: 'receive',
    status: 502,
    retry: 'never',
    help: 'The answer of the service is not what its API promises.',
  },
});
