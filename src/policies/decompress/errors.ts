import { defineErrors } from '#base/errors.ts';

const declared = { side: 'client', stage: 'read-body', retry: 'never' } as const;

export const decompressErrors = defineErrors('decompress', {
  // RFC 9110 §15.5.16: `Accept-Encoding` of the answer says what would be taken.
  codingUnsupported: { ...declared, status: 415, help: 'The body has a content coding that is not taken here.' },
  malformed: { ...declared, status: 400, help: 'The body is not what its content coding says.' },
  truncated: { ...declared, status: 400, help: 'The body ends before its content coding does.' },
  tooLong: { ...declared, status: 413, help: 'The body is longer than it may be here, once it is decompressed.' },
  tooDense: { ...declared, status: 413, help: 'The body becomes too many times as long when it is decompressed.' },
  tooMany: {
    side: 'gateway',
    stage: 'policy',
    retry: 'always',
    status: 503,
    help: 'Too many bodies are being decompressed at this moment.',
  },
});
