import { defineErrors } from '#base/errors.ts';

const refusal = { side: 'client', stage: 'policy', status: 401, retry: 'never' } as const;

export const clientCertificateErrors = defineErrors('client-certificate', {
  missing: { ...refusal, help: 'The connection shows no TLS client certificate.' },
  refused: { ...refusal, help: 'The TLS client certificate does not count.' },
});
