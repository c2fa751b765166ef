import { defineErrors } from '#base/errors.ts';

const declared = { side: 'client', stage: 'route', retry: 'never' } as const;

/** Why the admin API refuses a request of an operator. */
export const adminErrors = defineErrors('admin', {
  tokenNeeded: {
    ...declared,
    status: 403,
    help: 'The admin API is closed: its address can be reached from elsewhere, and there is no token; set `admin.token` or `admin.tokens`, or let `admin.address` be a loopback address.',
  },
  wrongToken: { ...declared, status: 401, help: 'The admin API needs its token, as `Authorization: Bearer TOKEN`.' },
  certificateNeeded: {
    ...declared,
    status: 403,
    help: 'The admin API needs a client certificate that an authority of `admin.tls.clientCa` has signed.',
  },
  roleNeeded: { ...declared, status: 403, help: 'The role of the token is not enough for this.' },
  applyingOff: {
    ...declared,
    status: 403,
    help: 'Configurations are not applied by the API here; set `admin.apply: true` in the configuration for that.',
  },
  crossSite: { ...declared, status: 403, help: 'The request comes from a page of another site.' },
  foreignHost: {
    ...declared,
    status: 403,
    help: 'Without a token, the admin API answers only to `localhost` and loopback addresses in the Host field.',
  },
  malformedRequest: { ...declared, status: 400, help: 'The request cannot be understood.' },
  bodyTooLarge: { ...declared, status: 413, help: 'The body is too large for the admin API.' },
  notFound: { ...declared, status: 404, help: 'The admin API has nothing here; `/api/openapi.json` says what it has.' },
  noService: { ...declared, status: 404, help: 'There is no such service.' },
  noConfiguration: {
    ...declared,
    status: 404,
    help: 'No configuration with this hash is kept; `/api/history` lists those that are.',
  },
  noComparison: { ...declared, status: 404, help: 'No answer to a copy of a request of this route has been compared.' },
  tooManyRecordings: { ...declared, status: 409, help: 'There are as many recordings as may run at the same time.' },
  noQuota: { ...declared, status: 404, help: 'Nothing is counted under this id.' },
  noEndpoint: { ...declared, status: 404, help: 'The service has no such endpoint.' },
  endpointExists: { ...declared, status: 409, help: 'The service has this endpoint already.' },
  otherKind: {
    ...declared,
    status: 409,
    help: 'The endpoints of a service either speak HTTP or take bytes, and those of this one are of the other kind.',
  },
  noRoute: { ...declared, status: 404, help: 'There is no such route.' },
  tooManyStreams: { ...declared, status: 503, help: 'As many streams as there may be are open; close another one.' },
  unexplainable: { ...declared, status: 422, help: 'The request cannot be explained.' },
  noExchange: {
    ...declared,
    status: 404,
    help: 'No exchange with this id is kept: it was not asked for, or is too long ago.',
  },
  tooManyTaps: { ...declared, status: 409, help: 'There are as many taps as the gateway allows; end one of them.' },
  fault: { ...declared, side: 'gateway', status: 500, help: 'The admin API has failed; the log says how.' },
  tooManyChanges: { ...declared, status: 409, help: 'There are as many changes, or endpoints, as the gateway can hold.' },
});
