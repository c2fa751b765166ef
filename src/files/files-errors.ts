import { defineErrors } from '#base/errors.ts';

/** Why a request for a file is not answered with it. */
export const filesErrors = defineErrors('files', {
  notFound: { side: 'client', stage: 'reply', status: 404, retry: 'never', help: 'There is no such file.' },
  methodNotAllowed: {
    side: 'client',
    stage: 'reply',
    status: 405,
    retry: 'never',
    help: 'Files can only be read: with GET or HEAD.',
  },
  forbidden: { side: 'client', stage: 'reply', status: 403, retry: 'never', help: 'The file may not be read.' },
  preconditionFailed: {
    side: 'client',
    stage: 'reply',
    status: 412,
    retry: 'never',
    help: 'The file is not, or no longer, as the request expects it to be.',
  },
  rangeNotSatisfiable: {
    side: 'client',
    stage: 'reply',
    status: 416,
    retry: 'never',
    help: 'The file has no part that the request asks for.',
  },
  unreadable: { side: 'gateway', stage: 'reply', status: 500, retry: 'never', help: 'The file could not be read.' },
  changed: {
    side: 'gateway',
    stage: 'reply',
    status: 500,
    retry: 'never',
    help: 'The file was changed while it was read, so the answer was broken off.',
  },
  tooManyOpen: {
    side: 'gateway',
    stage: 'reply',
    status: 503,
    retry: 'never',
    help: 'More files are being sent than the gateway keeps open at once.',
  },
});
