import { defineErrors } from '#base/errors.ts';

const refusal = { side: 'client', stage: 'policy', status: 401, retry: 'never' } as const;

export const hmacErrors = defineErrors('hmac', {
  missing: { ...refusal, help: 'The request has no signature.' },
  refused: { ...refusal, help: 'The signature of the request does not count.' },
  bodyChanged: { ...refusal, stage: 'read-body', help: 'The body is not the one that was signed.' },
  lengthMissing: { ...refusal, status: 411, help: 'A body that is signed has to be announced with its length.' },
});
