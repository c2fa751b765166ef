import { defineErrors } from '#base/errors.ts';

const refusal = { side: 'client', stage: 'policy', status: 401, retry: 'never' } as const;

export const basicAuthErrors = defineErrors('basic-auth', {
  missing: { ...refusal, help: 'The request shows no name and password.' },
  refused: { ...refusal, help: 'The name and the password do not count.' },
  busy: { ...refusal, status: 503, help: 'Too many passwords are being looked at.' },
});
