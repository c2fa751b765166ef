import { defineErrors } from '#base/errors.ts';

/** This policy refuses nothing. */
export const securityHeadersErrors = defineErrors('security-headers', {});
