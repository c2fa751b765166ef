import { defineErrors } from '#base/errors.ts';

/** What is wrong with a batch, or becomes of a request in it. */
export const batchErrors = defineErrors('batch', {
  method: { side: 'client', stage: 'read-head', status: 405, retry: 'never', help: 'A batch is sent with POST.' },
  mediaType: {
    side: 'client',
    stage: 'read-head',
    status: 415,
    retry: 'never',
    help: 'A batch is JSON, without a content coding, and says so in `content-type`.',
  },
  crossOrigin: {
    side: 'client',
    stage: 'read-head',
    status: 403,
    retry: 'never',
    help: 'A page of this origin may not send batches.',
  },
  nested: { side: 'client', stage: 'route', status: 400, retry: 'never', help: 'A request of a batch cannot be a batch.' },
  malformed: { side: 'client', stage: 'read-body', status: 400, retry: 'never', help: 'The body is not a batch.' },
  tooMany: {
    side: 'client',
    stage: 'read-body',
    status: 413,
    retry: 'never',
    help: 'There are more requests in the batch than there may be.',
  },
  malformedRequest: {
    side: 'client',
    stage: 'read-body',
    status: 400,
    retry: 'never',
    help: 'This request of the batch cannot be understood.',
  },
  timeout: {
    side: 'upstream',
    stage: 'receive',
    status: 504,
    retry: 'never',
    help: 'The answer to this request of the batch was not whole in the time that it had.',
  },
  answerTooLong: {
    side: 'upstream',
    stage: 'receive',
    status: 502,
    retry: 'never',
    help: 'The answer to this request of the batch is longer than it may be.',
  },
  notRun: {
    side: 'client',
    stage: 'route',
    status: 424,
    retry: 'never',
    help: 'This request of the batch was not begun.',
  },
});
