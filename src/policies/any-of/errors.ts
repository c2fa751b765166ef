import { defineErrors } from '#base/errors.ts';

export const anyOfErrors = defineErrors('any-of', {
  missing: { side: 'client', stage: 'policy', status: 401, retry: 'never', help: 'The request shows no credential.' },
  refused: { side: 'client', stage: 'policy', status: 401, retry: 'never', help: 'No credential of the request counts.' },
});
