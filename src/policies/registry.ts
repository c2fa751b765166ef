import type { PolicyDefinition } from '#pipeline/policy.ts';
import { apiKeyPolicy } from './api-key/policy.ts';
import { authorizePolicy } from './authorize/policy.ts';
import { faultPolicy } from './fault/policy.ts';
import { headersPolicy } from './headers/policy.ts';
import { hstsPolicy } from './hsts/policy.ts';
import { httpsRedirectPolicy } from './https-redirect/policy.ts';
import { ipPolicy } from './ip/policy.ts';
import { mirrorPolicy } from './mirror/policy.ts';
import { oidcPolicy } from './oidc/policy.ts';
import { rateLimitPolicy } from './rate-limit/policy.ts';
import { rewritePolicy } from './rewrite/policy.ts';

/** Every policy, in execution order. An answer meets them the other way round. */
export const policyOrder = [
  ipPolicy, // first: who may not come is told nothing, not even where else to go
  httpsRedirectPolicy, // before the rest, so that nothing is done for a request that goes elsewhere
  hstsPolicy, // before what changes answers, so that it has the last word on its field
  faultPolicy, // before all that a request costs: what is refused on purpose is to cost nothing, as with a service that is down
  apiKeyPolicy, // before anything that depends on who asks
  oidcPolicy, // the same; behind credentials that programs show with each request
  authorizePolicy, // behind all that find out who asks
  rateLimitPolicy, // as soon as it is known that the request is meant, so that one too many costs as little as can be
  rewritePolicy, // before anything that looks at what the service will see
  mirrorPolicy, // behind all that refuses, so that only what goes to the service is copied
  headersPolicy, // last, so that it has the last word on requests; on answers, policies before it still add theirs
] as const;

/** The same for code that treats them all alike: each is only ever given the configuration that its own schema validated. */
export const policyDefinitions = policyOrder as readonly unknown[] as readonly PolicyDefinition[];
