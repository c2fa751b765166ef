/** Traces: which requests are traced, whose word about that counts, and where the spans go. */
import { z } from 'zod';
import { oneOrList } from '#schema/forms.ts';
import { httpUrl } from '#schema/http-url.ts';
import { entryName } from '#schema/name.ts';
import { percentage } from '#schema/percentage.ts';
import { lineSettings } from './access-log/line-settings.ts';
import { posting, toSignalUrl } from './access-log/target-schema.ts';
import { matchesSchema } from './match-schema.ts';

const RULES_MAX = 100;
const ATTRIBUTES_MAX = 64;
const ATTRIBUTE_LENGTH_MAX = 1_024;

const collector = z
  .strictObject({
    otlp: httpUrl(
      'The collector. `/v1/traces` is added where the address does not end with it.',
      'http://127.0.0.1:4318',
    ).describe(
      'Where spans are sent, as OTLP over HTTP (protobuf): `http://127.0.0.1:4318`. `/v1/traces` is added where the address does not end with it.',
    ),
    ...posting,
  })
  .transform(({ otlp, ...target }) => ({ url: toSignalUrl(otlp, '/v1/traces'), ...target }));

const rule = z
  .strictObject({
    match: matchesSchema.optional().describe('Which requests it is for: as `match` of a route. Without it, all of them.'),
    routes: oneOrList(entryName()).optional().describe('Names of routes whose requests it is for. Without it, those of all.'),
    sample: percentage().describe('Of how many of them a trace is taken: `100%`, `0.1%`.'),
  })
  .superRefine(({ match, routes }, context) => {
    if (match !== undefined || routes !== undefined) return;
    context.addIssue({
      code: 'custom',
      message: 'the rule is for every request; write `match` or `routes`, or only `tracing.sample`',
    });
  })
  .transform(({ match, routes, sample }) => ({ matches: match, routes, sample }));

export const tracingSchema = z.strictObject({
  to: collector.describe('The collector that spans are sent to.'),
  sample: percentage()
    .prefault('1%')
    .describe('Of how many requests a trace is taken, where no rule and no caller says otherwise.'),
  rules: z
    .array(rule)
    .max(RULES_MAX)
    .prefault([])
    .describe('Other shares for some requests. The first rule that a request fits counts.'),
  trust: z
    .enum(['proxies', 'all', 'never'])
    .default('proxies')
    .describe(
      'Whose word counts on whether a trace is taken: that of proxies in `trustedProxies`, of `all`, or of nobody (`never`). A request of somebody else goes by `rules` and `sample`; its trace goes on all the same.',
    ),
  propagate: oneOrList(z.enum(['w3c', 'b3', 'b3-multi']))
    .prefault(['w3c'])
    .describe(
      'By which fields traces are followed: `traceparent`, `tracestate` and `baggage` (`w3c`), `b3`, or `x-b3-traceid` and so on (`b3-multi`). The first that a request has counts; services are sent all of them.',
    ),
  redact: lineSettings.redact.describe(
    'Fields that spans do not show, as `redact` of the access log has it: `[client, peer, consumer, query.email, path.token]`. Credentials in queries are never shown.',
  ),
  resource: z
    .record(
      z.string().regex(/^[A-Za-z][\w.-]*$/, 'expected the name of an attribute, such as `service.name`'),
      z.string().min(1).max(ATTRIBUTE_LENGTH_MAX),
    )
    .refine((attributes) => Object.keys(attributes).length <= ATTRIBUTES_MAX, { error: `at most ${ATTRIBUTES_MAX} attributes` })
    .prefault({})
    .describe(
      'What is said of the gateway with each span: `service.name` (`gatehouse` without it), `deployment.environment.name`, ...',
    ),
});

export type TracingSettings = z.output<typeof tracingSchema>;
