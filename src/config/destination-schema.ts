/** Where a route's requests go: `to`. */
import { z } from 'zod';
import { explainUnknownKey } from '#schema/explain.ts';
import { type FormProblem, forms, isMap, isText } from '#schema/forms.ts';
import { fieldMap } from '#schema/maps.ts';
import { entryName } from '#schema/name.ts';
import { listWords } from '#schema/quote.ts';
import { fieldValueTemplate, parseJsonTemplate, pathTemplate, type Template, template } from '#schema/template.ts';
import { freeFieldName } from '#schema/token.ts';

const WEIGHT_MAX = 1000;
/** Statuses whose answers have no body (RFC 9110 §6.4.1). */
const BODILESS_STATUSES: readonly number[] = [204, 205, 304];
const DESTINATION_KEYS = ['service', 'redirect', 'respond'] as const;

export interface WeightedService {
  readonly service: string;
  readonly weight: number;
}

export interface ServiceDestination {
  readonly kind: 'service';
  /** At least one, with at least one weight above 0. */
  readonly services: readonly WeightedService[];
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

export interface RespondDestination {
  readonly kind: 'respond';
  readonly status: number;
  readonly headers: readonly { readonly name: string; readonly value: Template }[];
  readonly body: ResponseBody | undefined;
}

export interface ResponseBody {
  /** For answers whose `headers` say nothing else. */
  readonly contentType: string;
  readonly template: Template;
  /** How a variable is written into the body: as it is, or as the inside of a JSON text. */
  readonly escaping: 'none' | 'json';
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

const jsonTemplate = z.custom<unknown>().transform((value, context) => {
  const reading = parseJsonTemplate(value);
  if ('value' in reading) return reading.value;
  context.issues.push({ code: 'custom', message: reading.problem, input: value });
  return z.NEVER;
});

const respond = z
  .strictObject({
    status: z.int().min(200).max(599).default(200).describe('The status of the answer.'),
    headers: fieldMap(freeFieldName(), fieldValueTemplate('The value of the field.'))
      .optional()
      .describe('Header fields of the answer.'),
    text: template({ help: 'The body, as plain text.', examples: ['hello'] }).optional(),
    json: jsonTemplate.optional().describe('The body, as JSON. Texts in it may hold variables.'),
  })
  .superRefine(({ status, text, json }, context) => {
    if (text !== undefined && json !== undefined) {
      context.addIssue({ code: 'custom', message: 'give `text` or `json`, not both', path: ['json'] });
    }
    const hasBody = text !== undefined || json !== undefined;
    if (hasBody && BODILESS_STATUSES.includes(status)) {
      context.addIssue({
        code: 'custom',
        message: `an answer with status ${status} has no body; leave out \`text\` and \`json\``,
        path: ['status'],
      });
    }
  })
  .transform(
    ({ status, headers, text, json }): RespondDestination => ({
      kind: 'respond',
      status,
      headers: Object.entries(headers ?? {}).map(([name, value]) => ({ name, value })),
      body: toBody(text, json),
    }),
  );

function toBody(text: Template | undefined, json: Template | undefined): ResponseBody | undefined {
  if (text !== undefined) return { contentType: 'text/plain; charset=utf-8', template: text, escaping: 'none' };
  return json === undefined ? undefined : { contentType: 'application/json', template: json, escaping: 'json' };
}

const weightedService = z.strictObject({
  service: entryName().describe('The name of a service.'),
  weight: z.int().min(0).max(WEIGHT_MAX).default(1).describe('Its share of the requests, relative to the others; 0 takes none.'),
});

const weightedServices = z
  .array(weightedService)
  .min(1)
  .superRefine((services, context) => {
    if (services.length === 0 || services.some(({ weight }) => weight > 0)) return;
    context.addIssue({
      code: 'custom',
      message: 'every weight is 0, so no service would take the requests; give one a weight above 0',
    });
  })
  .transform((services) => toServices(services));

function toServices(services: readonly WeightedService[]): ServiceDestination {
  return { kind: 'service', services };
}

/** The name of a service, or several services by weight. */
export const serviceDestinationSchema = forms('the name of a service, or a list of services with weights', [
  { isMeant: isText, schema: entryName().transform((service) => toServices([{ service, weight: 1 }])) },
  { isMeant: Array.isArray, schema: weightedServices },
]);

const hasKey = (key: string) => (value: unknown) => isMap(value) && key in value;

/** `to`: the name of a service, a map with exactly one of `service`, `redirect` and `respond`, or a weighted list. */
export const destinationSchema = forms(
  'the name of a service, a list of services with weights, or a map with `service`, `redirect` or `respond`',
  [
    { isMeant: isText, schema: entryName().transform((service) => toServices([{ service, weight: 1 }])) },
    { isMeant: Array.isArray, schema: weightedServices },
    {
      isMeant: hasKey('service'),
      schema: z
        .strictObject({ service: entryName().describe('The name of a service.') })
        .transform(({ service }) => toServices([{ service, weight: 1 }])),
    },
    {
      isMeant: hasKey('redirect'),
      schema: z.strictObject({ redirect: redirect.describe('Sends the client elsewhere.') }).transform((form) => form.redirect),
    },
    {
      isMeant: hasKey('respond'),
      schema: z.strictObject({ respond: respond.describe('Answers without a service.') }).transform((form) => form.respond),
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
