import { z } from 'zod';
import { authority } from '#schema/authority.ts';
import { duration } from '#schema/duration.ts';
import type { EndpointUrl } from '#schema/endpoint-url.ts';
import { forms, isMap } from '#schema/forms.ts';
import { fieldMap } from '#schema/maps.ts';
import { quote } from '#schema/quote.ts';
import { statusRange } from '#schema/status-range.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { freeFieldName } from '#schema/token.ts';

const PATH_LENGTH_MAX = 4_096;
const VALUE_LENGTH_MAX = 4_096;
const HEADERS_MAX = 50;

const timing = {
  every: duration({ min: '100ms', max: '1d' }).prefault('5s').describe('How often each endpoint is checked.'),
  timeout: duration({ min: '10ms', max: '10m' })
    .prefault('2s')
    .describe('How long a check may take, from the connection to the end of the answer.'),
  unhealthyAfter: z.int().min(1).max(1_000).default(3).describe('An endpoint is unhealthy after so many failed checks in a row.'),
  healthyAfter: z
    .int()
    .min(1)
    .max(1_000)
    .default(2)
    .describe('It is healthy again after so many checks in a row that went well.'),
  port: z.int().min(1).max(65_535).optional().describe('The port to check. Without it, the port of the endpoint.'),
};

/** Only what stands for itself in a request line: no spaces, and no bytes that would have to be written as `%`. */
const path = textKind({
  noun: 'a path',
  examples: ['/healthz', '/status?deep=1'],
  pattern: /^\/[!-~]*$/,
  help: 'The path that is asked for, with its query.',
  read: (text): Reading<string> =>
    /^\/[!-"$-~]*$/.test(text) && text.length <= PATH_LENGTH_MAX
      ? { value: text }
      : { problem: `${quote(text)} is not a path; write one that begins with a slash and has no spaces, such as \`/healthz\`` },
});

const headers = fieldMap(
  freeFieldName(),
  z
    .string()
    .max(VALUE_LENGTH_MAX)
    .regex(/^[\t -~]*$/, 'a header value has no line breaks and only ASCII characters'),
)
  .refine((fields) => Object.keys(fields).length <= HEADERS_MAX, `at most ${HEADERS_MAX} headers`)
  .optional()
  .describe('Header fields that checks carry.');

const host = authority()
  .optional()
  .describe('The host that checks ask for. Without it, `host` of the service where that is a name, or the host of the endpoint.');

const http = z.strictObject({
  path: path.describe('What is asked for over HTTP, with its query. Without it, the check is `tcp` or `grpc`.'),
  method: z.enum(['GET', 'HEAD', 'OPTIONS', 'POST']).default('GET').describe('The method of the check, which has no body.'),
  host,
  headers,
  expect: z
    .strictObject({
      statuses: z
        .array(statusRange)
        .min(1)
        .prefault(['200-299'])
        .describe('Answers that are good: statuses and ranges of them. Redirects are not followed.'),
      text: z
        .string()
        .min(1)
        .max(VALUE_LENGTH_MAX)
        .optional()
        .describe('Has to stand in the body, within its first 64 KiB. Without it, the body may be anything.'),
    })
    .prefault({})
    .describe('What a good answer looks like.'),
  ...timing,
});

const tcp = z.strictObject({
  tcp: z
    .literal(true)
    .describe('The check is good when a connection is made, with its TLS handshake where the endpoint uses TLS.'),
  ...timing,
});

const grpcMap = z.strictObject({
  service: z
    .string()
    .max(256)
    .regex(/^[\w.]+$/, 'the name of a gRPC service, such as `shop.v1.Orders`')
    .optional()
    .describe('The service that is asked about. Without it, the server as a whole.'),
});

const grpc = z.strictObject({
  grpc: forms('`true`, or a map with `service`', [
    { isMeant: (value) => value === true, schema: z.literal(true).transform((): z.output<typeof grpcMap> => ({})) },
    { isMeant: isMap, schema: grpcMap },
  ]).describe('The check is a call of `grpc.health.v1.Health/Check`; `true` asks about the server as a whole.'),
  host,
  headers,
  ...timing,
});

const hasKey = (key: string) => (value: unknown) => isMap(value) && key in value;

/** Active checks of a service's endpoints: over HTTP, by a connection alone, or over gRPC. */
export const healthSchema = forms('a map with `path`, `tcp` or `grpc`', [
  { isMeant: hasKey('tcp'), schema: tcp },
  { isMeant: hasKey('grpc'), schema: grpc },
  { isMeant: isMap, schema: http },
]);

export type HealthConfiguration = z.output<typeof healthSchema>;

interface CheckedService {
  readonly endpoints?: readonly { readonly url: EndpointUrl }[] | undefined;
  readonly protocol: 'http1' | 'http2';
  readonly health?: HealthConfiguration | undefined;
}

interface HealthProblem {
  readonly path: string[];
  readonly message: string;
}

/** Checks that this service's endpoints could never answer. */
export function findUselessChecks({ endpoints = [], protocol, health }: CheckedService): HealthProblem[] {
  if (health === undefined) return [];
  const problems: HealthProblem[] = [];
  if ('grpc' in health && protocol !== 'http2')
    problems.push({ path: ['health', 'grpc'], message: 'gRPC is spoken over HTTP/2; write `protocol: http2` for the service' });
  if (health.port !== undefined && endpoints.some(({ url }) => url.path !== undefined))
    problems.push({ path: ['health', 'port'], message: 'an endpoint of the service is a Unix socket, which has no port' });
  return problems;
}
