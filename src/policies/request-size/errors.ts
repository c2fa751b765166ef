import { defineErrors } from '#base/errors.ts';

const declared = { side: 'client', stage: 'policy', retry: 'never' } as const;

export const requestSizeErrors = defineErrors('request-size', {
  bodyTooLarge: { ...declared, status: 413, help: 'The body is longer than it may be here.' },
  headTooLarge: { ...declared, status: 431, help: 'The header fields are longer than they may be here.' },
  fieldTooLarge: { ...declared, status: 431, help: 'A header field is longer than it may be here.' },
  tooManyFields: { ...declared, status: 431, help: 'There are more header fields than there may be here.' },
  urlTooLong: { ...declared, status: 414, help: 'The URL is longer than it may be here.' },
  tooManyParameters: { ...declared, status: 414, help: 'The query has more parameters than it may have here.' },
});
