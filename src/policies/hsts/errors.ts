import { defineErrors } from '#base/errors.ts';

/** This policy refuses nothing. */
export const hstsErrors = defineErrors('hsts', {});
