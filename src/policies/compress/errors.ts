import { defineErrors } from '#base/errors.ts';

/** This policy refuses nothing: what cannot be compressed passes as it is. */
export const compressErrors = defineErrors('compress', {});
