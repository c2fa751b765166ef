import { defineErrors } from '#base/errors.ts';

/** Why an answer could not be composed. They name the call, and tell nothing about the service. */
export const aggregateErrors = defineErrors('aggregate', {
  callFailed: {
    side: 'upstream',
    stage: 'receive',
    status: 502,
    retry: 'never',
    help: 'A part of the answer could not be fetched.',
  },
  callTimeout: {
    side: 'upstream',
    stage: 'receive',
    status: 504,
    retry: 'never',
    help: 'A part of the answer was not there in time.',
  },
  callUnavailable: {
    side: 'upstream',
    stage: 'connect',
    status: 503,
    retry: 'never',
    help: 'Nobody can give a part of the answer at the moment.',
  },
  callStatus: {
    side: 'upstream',
    stage: 'receive',
    status: 502,
    retry: 'never',
    help: 'A part of the answer was refused by who should give it.',
  },
  callAnswer: {
    side: 'upstream',
    stage: 'receive',
    status: 502,
    retry: 'never',
    help: 'A part of the answer is not what it should be.',
  },
  missingValue: {
    side: 'upstream',
    stage: 'receive',
    status: 502,
    retry: 'never',
    help: 'A part of the answer lacks a value that the rest needs.',
  },
  missingInput: {
    side: 'client',
    stage: 'policy',
    status: 400,
    retry: 'never',
    help: 'The request lacks a value that the answer depends on.',
  },
  malformedBody: {
    side: 'client',
    stage: 'read-body',
    status: 400,
    retry: 'never',
    help: 'The body of the request is not JSON.',
  },
  tooManyItems: {
    side: 'upstream',
    stage: 'receive',
    status: 502,
    retry: 'never',
    help: 'A list in a part of the answer has more items than parts may be fetched for.',
  },
  answerTooLong: {
    side: 'upstream',
    stage: 'reply',
    status: 502,
    retry: 'never',
    help: 'The answer would be longer than it may be.',
  },
  composeFailed: {
    side: 'gateway',
    stage: 'reply',
    status: 500,
    retry: 'never',
    help: 'The parts of the answer could not be put together.',
  },
});
