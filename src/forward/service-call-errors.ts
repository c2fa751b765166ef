import { defineErrors } from '#base/errors.ts';

/** What goes wrong with requests of the gateway's own, beyond what goes wrong with others. */
export const serviceCallErrors = defineErrors('service-call', {
  answerTooLong: {
    side: 'upstream',
    stage: 'receive',
    status: 502,
    retry: 'never',
    help: 'The answer of a service that the gateway asked is longer than it may be.',
  },
  abandoned: {
    side: 'client',
    stage: 'policy',
    status: 499,
    retry: 'never',
    help: 'Nobody waits for the answer of a service that the gateway asked.',
  },
});
