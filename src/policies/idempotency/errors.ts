import { defineErrors } from '#base/errors.ts';

export const idempotencyErrors = defineErrors('idempotency', {
  missingKey: {
    side: 'client',
    stage: 'policy',
    status: 400,
    retry: 'never',
    help: 'The request needs a key that is the same when it is sent again.',
  },
  malformedKey: {
    side: 'client',
    stage: 'policy',
    status: 400,
    retry: 'never',
    help: 'The key of the request is not one text of 1 to 255 visible characters.',
  },
  otherRequest: {
    side: 'client',
    stage: 'policy',
    status: 422,
    retry: 'never',
    help: 'The key belongs to another request.',
  },
  inProgress: {
    side: 'client',
    stage: 'policy',
    status: 409,
    retry: 'never',
    help: 'An earlier request with the same key has not been answered yet.',
  },
  notKept: {
    side: 'client',
    stage: 'policy',
    status: 409,
    retry: 'never',
    help: 'The request has been answered before, and the answer was too long to be kept.',
  },
  storeUnavailable: {
    side: 'gateway',
    stage: 'policy',
    status: 503,
    retry: 'never',
    help: 'It cannot be told whether the request has been answered before.',
  },
});
