import { defineErrors } from '#base/errors.ts';

export const apiKeyErrors = defineErrors('api-key', {
  missing: { side: 'client', stage: 'policy', status: 401, retry: 'never', help: 'The request shows no API key.' },
  refused: { side: 'client', stage: 'policy', status: 401, retry: 'never', help: 'The API key does not count.' },
});
