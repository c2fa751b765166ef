import { defineErrors } from '#base/errors.ts';

const ofRequest = { side: 'client', stage: 'policy', retry: 'never' } as const;
const ofAnswer = { side: 'upstream', stage: 'receive', status: 502, retry: 'never' } as const;

export const transformErrors = defineErrors('transform', {
  invalidBody: { ...ofRequest, status: 400, help: 'The body is not what its type says.' },
  unfitBody: { ...ofRequest, status: 422, help: 'The body is not as it has to be here.' },
  bodyTooLarge: { ...ofRequest, status: 413, help: 'The body is larger than it may be here.' },
  otherType: { ...ofRequest, status: 415, help: 'The body has a type that is not taken here.' },
  encodedBody: { ...ofRequest, status: 415, help: 'The body is compressed, which is not taken here.' },
  invalidAnswer: { ...ofAnswer, help: 'The answer of the service is not what its type says.' },
  unfitAnswer: { ...ofAnswer, help: 'The answer of the service is not as it has to be.' },
  answerTooLarge: { ...ofAnswer, help: 'The answer of the service is larger than it may be.' },
  otherAnswerType: { ...ofAnswer, help: 'The answer of the service has a type that is not taken.' },
  encodedAnswer: { ...ofAnswer, help: 'The answer of the service is compressed, although it was asked not to be.' },
});
