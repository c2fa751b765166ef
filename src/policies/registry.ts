import type { PolicyDefinition } from '#pipeline/policy.ts';
import { headersPolicy } from './headers/policy.ts';
import { hstsPolicy } from './hsts/policy.ts';
import { httpsRedirectPolicy } from './https-redirect/policy.ts';
import { rewritePolicy } from './rewrite/policy.ts';

/** Every policy, in execution order. An answer meets them the other way round. */
export const policyOrder = [
  httpsRedirectPolicy, // first, so that nothing is done for a request that goes elsewhere
  hstsPolicy, // before what changes answers, so that it has the last word on its field
  rewritePolicy, // before anything that looks at what the service will see
  headersPolicy, // last, so that it has the last word on requests; on answers, policies before it still add theirs
] as const;

/** The same for code that treats them all alike: each is only ever given the configuration that its own schema validated. */
export const policyDefinitions = policyOrder as readonly unknown[] as readonly PolicyDefinition[];
