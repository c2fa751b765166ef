/** Where a route's requests go: `to`. */
import { z } from 'zod';
import { explainUnknownKey } from '#schema/explain.ts';
import { type FormProblem, forms, isMap, isText } from '#schema/forms.ts';
import { entryName } from '#schema/name.ts';
import { listWords } from '#schema/quote.ts';
import { pathTemplate, type Template, template } from '#schema/template.ts';
import { aggregateSchema } from './aggregate-schema.ts';
import { batchSchema } from './batch-schema.ts';
import { type FallbackSettings, fallbackSchema } from './fallback-schema.ts';
import { filesSchema } from './files-schema.ts';
import { jwksSchema } from './jwks-schema.ts';
import { respondSchema } from './respond-schema.ts';
import { type StickySettings, stickySchema, type WeightedService, weightedServices } from './split-schema.ts';

export const DESTINATION_KEYS = ['service', 'services', 'aggregate', 'batch', 'redirect', 'respond', 'jwks', 'files'] as const;

export interface ServiceDestination {
  readonly kind: 'service';
  /** At least one, with at least one weight above 0. */
  readonly services: readonly WeightedService[];
  readonly sticky?: StickySettings | undefined;
  readonly fallback?: FallbackSettings | undefined;
}

export interface RedirectDestination {
  readonly kind: 'redirect';
  /** What is not given stays as the client asked for it. */
  readonly scheme: 'http' | 'https' | undefined;
  readonly host: Template | undefined;
  readonly port: number | undefined;
  readonly path: Template | undefined;
  /** Without the question mark; the empty template drops the query. */
  readonly query: Template | undefined;
  readonly status: number;
}

const redirect = z
  .strictObject({
    scheme: z
      .enum(['http', 'https'])
      .optional()
      .describe('The scheme to send the client to. Without it, the one of the request.'),
    host: template({
      help: 'The host to send the client to. Without it, the one of the request.',
      examples: ['www.example.com'],
    }).optional(),
    port: z
      .int()
      .min(1)
      .max(65_535)
      .optional()
      .describe(
        'The port to send the client to. Without it, the usual one of a changed scheme or host, else the one of the request.',
      ),
    path: pathTemplate('The path to send the client to. Without it, the one of the request.').optional(),
    query: template({
      help: 'The query to send, without `?`; empty for none. Without it, the one of the request.',
      examples: ['from=old'],
    }).optional(),
    status: z.literal([301, 302, 303, 307, 308]).default(302).describe('301 and 308 are permanent; 307 and 308 keep the method.'),
  })
  .superRefine(({ scheme, host, port, path, query }, context) => {
    if ([scheme, host, port, path, query].some((part) => part !== undefined)) return;
    context.addIssue({
      code: 'custom',
      message: 'the redirect leads to where the client is; give `scheme`, `host`, `port`, `path` or `query`',
    });
  })
  .transform(
    ({ scheme, host, port, path, query, status }): RedirectDestination => ({
      kind: 'redirect',
      scheme,
      host,
      port,
      path,
      query,
      status,
    }),
  );

const oneService = entryName().transform((service) => toDestination([{ service, weight: 1 }]));
const severalServices = weightedServices.transform((services) => toDestination(services));

/** The name of a service, or several services by weight. */
export const serviceDestinationSchema = forms('the name of a service, or a list of services with weights', [
  { isMeant: isText, schema: oneService },
  { isMeant: Array.isArray, schema: severalServices },
]);

const oneServiceMap = z
  .strictObject({
    service: entryName().describe('The name of a service.'),
    fallback: fallbackSchema.optional(),
  })
  .superRefine(({ service, fallback }, context) => findOwnFallback([service], fallback, context))
  .transform(({ service, fallback }) => toDestination([{ service, weight: 1 }], { fallback }));

const severalServicesMap = z
  .strictObject({
    services: weightedServices.describe('Services with weights, which share the requests.'),
    sticky: stickySchema.optional(),
    fallback: fallbackSchema.optional(),
  })
  .superRefine(({ services, fallback }, context) =>
    findOwnFallback(
      services.map(({ service }) => service),
      fallback,
      context,
    ),
  )
  .transform(({ services, ...rest }) => toDestination(services, rest));

/** Whoever has just failed helps nobody. Of a split, it may stand in for the others. */
function findOwnFallback(services: readonly string[], fallback: FallbackSettings | undefined, context: z.RefinementCtx): void {
  if (fallback?.to.kind !== 'service') return;
  const { service } = fallback.to;
  if (!services.every((each) => each === service)) return;
  context.addIssue({
    code: 'custom',
    path: ['fallback', 'service'],
    message: `\`${service}\` is no fallback for itself; name another service, or give \`respond\``,
  });
}

function toDestination(
  services: readonly WeightedService[],
  { sticky, fallback }: Pick<ServiceDestination, 'sticky' | 'fallback'> = {},
): ServiceDestination {
  return { kind: 'service', services, ...(sticky !== undefined && { sticky }), ...(fallback !== undefined && { fallback }) };
}

const hasKey = (key: string) => (value: unknown) => isMap(value) && key in value;

/** `to`: the name of a service, a weighted list, or a map with exactly one of `DESTINATION_KEYS`. */
export const destinationSchema = forms(
  `the name of a service, a list of services with weights, or a map with ${listWords(DESTINATION_KEYS)}`,
  [
    { isMeant: isText, schema: oneService },
    { isMeant: Array.isArray, schema: severalServices },
    { isMeant: hasKey('service'), schema: oneServiceMap },
    { isMeant: hasKey('services'), schema: severalServicesMap },
    {
      isMeant: hasKey('aggregate'),
      schema: z
        .strictObject({ aggregate: aggregateSchema.describe('Calls several services and answers with what they say together.') })
        .transform((form) => form.aggregate),
    },
    {
      isMeant: hasKey('redirect'),
      schema: z.strictObject({ redirect: redirect.describe('Sends the client elsewhere.') }).transform((form) => form.redirect),
    },
    {
      isMeant: hasKey('respond'),
      schema: z.strictObject({ respond: respondSchema.describe('Answers without a service.') }).transform((form) => form.respond),
    },
    {
      isMeant: hasKey('jwks'),
      schema: z
        .strictObject({ jwks: jwksSchema.describe('Answers with the keys that tokens of the gateway are verified with.') })
        .transform((form) => form.jwks),
    },
    {
      isMeant: hasKey('files'),
      schema: z
        .strictObject({ files: filesSchema.describe('Answers with files of a folder: its path, or a map.') })
        .transform((form) => form.files),
    },
    {
      isMeant: hasKey('batch'),
      schema: z
        .strictObject({ batch: batchSchema.describe('Takes several requests in one, and answers them together.') })
        .transform((form) => form.batch),
    },
  ],
  findDestinationProblem,
);

function findDestinationProblem(value: unknown): FormProblem | undefined {
  if (!isMap(value)) return undefined;
  const keys = Object.keys(value);
  const [first, second] = DESTINATION_KEYS.filter((key) => keys.includes(key));
  if (first !== undefined && second !== undefined) {
    return {
      code: 'conflict',
      message: `\`${first}\` and \`${second}\` exclude each other; give one of ${listWords(DESTINATION_KEYS)}`,
      path: [second],
    };
  }
  if (first !== undefined) return undefined;
  if (keys[0] === undefined)
    return { code: 'wrong-type', message: `the map is empty; give one of ${listWords(DESTINATION_KEYS)}`, path: [] };
  return { code: 'unknown-key', message: explainUnknownKey(keys[0], DESTINATION_KEYS), path: [keys[0]] };
}
