import { defineErrors } from '#base/errors.ts';

/** This policy refuses nothing. */
export const errorPagesErrors = defineErrors('error-pages', {});
