import { defineErrors } from '#base/errors.ts';

export const cacheErrors = defineErrors('cache', {
  onlyIfCached: {
    side: 'client',
    stage: 'policy',
    status: 504,
    retry: 'never',
    help: 'The request allows only an answer from the cache, and there is none that may be used.',
  },
});
