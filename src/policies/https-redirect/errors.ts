import { defineErrors } from '#base/errors.ts';

/** This policy refuses nothing. */
export const httpsRedirectErrors = defineErrors('https-redirect', {});
