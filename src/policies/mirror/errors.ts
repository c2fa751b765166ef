import { defineErrors } from '#base/errors.ts';

/** This policy refuses nothing. */
export const mirrorErrors = defineErrors('mirror', {});
