import { z } from 'zod';
import { routeLogSchema } from './access-log/route-log-schema.ts';
import { destinationSchema } from './destination-schema.ts';
import { importance } from './importance-schema.ts';
import { matchesSchema } from './match-schema.ts';
import type { PolicyBlocks } from './policies/policy-blocks.ts';
import { routeRetry } from './retry-schema.ts';
import { routeTimeouts } from './timeouts-schema.ts';

type RoutePath = NonNullable<z.output<typeof matchesSchema>[number]['paths']>[number];

const PRIORITY_MAX = 1_000_000;

/** A route; `policies` is the schema of its policy blocks. */
export function routeSchema<Input>(policies: z.ZodType<PolicyBlocks, Input>) {
  return z
    .strictObject({
      match: matchesSchema.describe(
        'Which requests the route takes: a map of conditions that must all hold, or a list of such maps.',
      ),
      priority: z
        .int()
        .min(-PRIORITY_MAX)
        .max(PRIORITY_MAX)
        .default(0)
        .describe('Decides between routes that are equally specific; the higher one wins.'),
      importance: importance.optional(),
      accessLog: routeLogSchema
        .optional()
        .describe('`false`: requests of this route have no line in the access log. `{ sample: 10% }`: fewer have one.'),
      policies: policies
        .optional()
        .describe(
          'Policies for this route. They override those of the listener and the gateway by name; `false` switches one off.',
        ),
      timeouts: routeTimeouts
        .optional()
        .describe('How long the gateway waits for the service. What is not set is as the service says.'),
      retry: routeRetry
        .optional()
        .describe('Further attempts of requests on this route. What is not set is as the service says; `false` makes none.'),
      to: destinationSchema.describe(
        'Where requests go: a service, services with weights, several services whose answers become one, several requests in one, a redirect, a fixed answer or the files of a folder.',
      ),
    })
    .superRefine(({ to, timeouts, retry }, context) => {
      if (to.kind === 'service') return;
      for (const [name, value] of Object.entries({ timeouts, retry })) {
        if (value === undefined) continue;
        const message = `the gateway answers itself here, so \`${name}\` would have no effect`;
        context.addIssue({ code: 'custom', message, path: [name] });
      }
    })
    .superRefine(({ match, to }, context) => {
      if (to.kind !== 'files') return;
      for (const [i, { paths = [] }] of match.entries()) {
        if (paths.every(namesFiles)) continue;
        const message = 'with `to.files`, what stands for `*` is the path of the file; end each path with `/*`';
        context.addIssue({ code: 'custom', message, path: match.length === 1 ? ['match'] : ['match', i] });
      }
    })
    .transform(({ match, ...route }) => ({ matches: match, ...route }));
}

/** `/` alone names the index. */
function namesFiles(path: RoutePath): boolean {
  return 'segments' in path && (path.isPrefix || path.segments.length === 0);
}
