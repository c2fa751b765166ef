import type { PolicyDefinition } from '#pipeline/policy.ts';
import { createAnyOfPolicy } from './any-of/policy.ts';
import { apiKeyPolicy } from './api-key/policy.ts';
import { authorizePolicy } from './authorize/policy.ts';
import { basicAuthPolicy } from './basic-auth/policy.ts';
import { cachePolicy } from './cache/policy.ts';
import { clientCertificatePolicy } from './client-certificate/policy.ts';
import { compressPolicy } from './compress/policy.ts';
import { concurrencyPolicy } from './concurrency/policy.ts';
import { corsPolicy } from './cors/policy.ts';
import { csrfPolicy } from './csrf/policy.ts';
import { decompressPolicy } from './decompress/policy.ts';
import { errorPagesPolicy } from './error-pages/policy.ts';
import { faultPolicy } from './fault/policy.ts';
import { forwardAuthPolicy } from './forward-auth/policy.ts';
import { headersPolicy } from './headers/policy.ts';
import { hmacPolicy } from './hmac/policy.ts';
import { hstsPolicy } from './hsts/policy.ts';
import { httpsRedirectPolicy } from './https-redirect/policy.ts';
import { idempotencyPolicy } from './idempotency/policy.ts';
import { introspectionPolicy } from './introspection/policy.ts';
import { ipPolicy } from './ip/policy.ts';
import { jwtPolicy } from './jwt/policy.ts';
import { mirrorPolicy } from './mirror/policy.ts';
import { mockPolicy } from './mock/policy.ts';
import { oidcPolicy } from './oidc/policy.ts';
import { opaPolicy } from './opa/policy.ts';
import { quotaPolicy } from './quota/policy.ts';
import { rateLimitPolicy } from './rate-limit/policy.ts';
import { requestSizePolicy } from './request-size/policy.ts';
import { rewritePolicy } from './rewrite/policy.ts';
import { securityHeadersPolicy } from './security-headers/policy.ts';
import { transformPolicy } from './transform/policy.ts';
import { upstreamAuthPolicy } from './upstream-auth/policy.ts';
import { validatePolicy } from './validate/policy.ts';

/** All methods by which it is found out who asks, whichever of them a route asks for. */
export const identityPolicies = [
  clientCertificatePolicy,
  apiKeyPolicy,
  basicAuthPolicy,
  hmacPolicy,
  jwtPolicy,
  introspectionPolicy,
  oidcPolicy,
] as const;

const anyOfPolicy = createAnyOfPolicy([...identityPolicies]);

/** Names of the policies behind which it is known who asks. */
export const identifyingPolicyNames: ReadonlySet<string> = new Set([...identityPolicies, anyOfPolicy].map(({ name }) => name));

/** Every policy, in execution order. An answer meets them the other way round. */
export const policyOrder = [
  compressPolicy, // before all others, so that it sees answers last: what it compresses, nobody could read or change any more
  ipPolicy, // before all that looks at requests: who may not come is told nothing, not even where else to go
  httpsRedirectPolicy, // before the rest, so that nothing is done for a request that goes elsewhere
  hstsPolicy, // before what changes answers, so that it has the last word on its field
  securityHeadersPolicy, // before what answers by itself, so that its fields stand on those answers too
  corsPolicy, // before whatever asks who it is: a browser shows no credential with a preflight; its fields stand on all refusals behind it
  errorPagesPolicy, // outside of all that makes and changes answers, so that every error gets its page, and none is changed again
  requestSizePolicy, // before anything that looks at fields, keys or tokens, which cost more the longer they are
  faultPolicy, // before all that a request costs: what is refused on purpose is to cost nothing, as with a service that is down
  clientCertificatePolicy, // before credentials of requests: the connection has shown it already
  apiKeyPolicy, // before anything that depends on who asks
  basicAuthPolicy, // behind keys, which cost less to look at
  hmacPolicy, // as other credentials
  jwtPolicy, // behind the ways to be known that cost less, and before anything that depends on who asks
  introspectionPolicy, // the same by asking somebody else, which takes longer
  oidcPolicy, // people with a browser; behind credentials that programs show with each request
  anyOfPolicy, // behind the single methods: where both are configured, both must accept
  csrfPolicy, // behind those that find out who asks, so that its refusals are logged with the user in whose name a page asked
  authorizePolicy, // behind all that find out who asks
  forwardAuthPolicy, // what the gateway can decide by itself costs nobody a question
  opaPolicy, // behind all that find out who asks, since it is told of it
  rateLimitPolicy, // as soon as it is known that the request is meant, so that one too many costs as little as can be
  quotaPolicy, // behind limits of the moment, so that what they refuse uses up nothing of the month
  concurrencyPolicy, // behind what counts, so that whoever may not come at all holds no place
  decompressPolicy, // behind what counts and limits, so that nothing is unpacked in vain; before what looks at bodies
  validatePolicy, // behind what counts and limits, since a body is held for it; before whatever changes the request that the document speaks of
  mockPolicy, // behind validate, so that a mock too answers only what the document asks for
  rewritePolicy, // before anything that looks at what the service will see
  transformPolicy, // behind rewrite, whose query it changes further; in front of the cache, so that what that has kept is changed as well
  mirrorPolicy, // behind all that refuses, so that only what goes to the service is copied
  upstreamAuthPolicy, // behind all that refuses, so that nothing waits for a token in vain; behind what takes a client's own credential away
  headersPolicy, // last, so that it has the last word on requests; on answers, policies before it still add theirs
  idempotencyPolicy, // behind all that changes answers: what it keeps is what the service has said, and an answer that it repeats meets all others as that one did
  cachePolicy, // last: what it keeps is what the service has said, and its answers meet all other policies as the service's own do
] as const;

/** The same for code that treats them all alike: each is only ever given the configuration that its own schema validated. */
export const policyDefinitions = policyOrder as readonly unknown[] as readonly PolicyDefinition[];
