import { defineErrors } from '#base/errors.ts';

/** How a connection ends whose bytes are passed on unread. Nobody is answered; the statuses are for those who count them. */
export const tcpErrors = defineErrors('tcp', {
  clientLost: {
    side: 'client',
    stage: 'receive',
    status: 499,
    retry: 'never',
    help: 'The client broke the connection off.',
  },
  upstreamLost: {
    side: 'upstream',
    stage: 'receive',
    status: 502,
    retry: 'never',
    help: 'The service broke the connection off.',
  },
  idle: {
    side: 'client',
    stage: 'receive',
    status: 504,
    retry: 'never',
    help: 'Nothing moved over the connection for as long as the listener allows.',
  },
  stopped: {
    side: 'client',
    stage: 'receive',
    status: 503,
    retry: 'never',
    help: 'The gateway stopped, and the connection was still open at the deadline.',
  },
});
