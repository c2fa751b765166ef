import { z } from 'zod';
import { authority } from '#schema/authority.ts';
import { duration } from '#schema/duration.ts';
import { endpointUrl } from '#schema/endpoint-url.ts';
import { filePath } from '#schema/file-path.ts';
import { forms, isMap, isText } from '#schema/forms.ts';
import { hostName } from '#schema/host-kinds.ts';
import { serviceHedge } from './hedge-schema.ts';
import { serviceRetry } from './retry-schema.ts';
import { balancingFields, endpointPlace, findBalancingProblems } from './services/balancing-schema.ts';
import { discoverySchema } from './services/discovery-schema.ts';
import { findUselessChecks, healthSchema } from './services/health-schema.ts';
import { outliersSchema } from './services/outliers-schema.ts';
import { breakerSchema, concurrencySchema, findUselessProtection } from './services/protection-schema.ts';
import { hasOnlyBytes, isHttpScheme, listSchemes } from './services/service-schemes.ts';
import { serviceTimeouts } from './timeouts-schema.ts';

const WEIGHT_MAX = 1000;

const endpointMap = z.strictObject({
  url: endpointUrl().describe('Where the endpoint is reached.'),
  weight: z
    .int()
    .min(0)
    .max(WEIGHT_MAX)
    .default(1)
    .describe('Its share of the requests, relative to the other endpoints; 0 takes none.'),
  ...endpointPlace,
});

/** One endpoint, as a configuration or a file with endpoints names it. */
export const endpointSchema = forms('the URL of an endpoint, or a map with `url` and `weight`', [
  { isMeant: isText, schema: endpointUrl().transform((url) => ({ url, weight: 1, priority: 0 })) },
  { isMeant: isMap, schema: endpointMap },
]);

const servicePool = z.strictObject({
  connections: z.int().min(1).max(65_536).default(1024).describe('Most connections to one endpoint, per thread.'),
  idle: duration().prefault('60s').describe('How long an unused connection is kept. Keep it shorter than the service does.'),
  queue: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1024)
    .describe('Most requests that wait for a connection, per endpoint and thread; more are refused.'),
  queueTimeout: duration({ min: '1ms' }).prefault('5s').describe('How long a request waits for a connection.'),
});

const hostNameMap = z.strictObject({ name: authority().describe('The host that the service sees.') });

const upstreamHost = forms('`client`, `endpoint`, or a map with `name`', [
  { isMeant: isText, schema: z.enum(['client', 'endpoint']) },
  { isMeant: isMap, schema: hostNameMap },
]);

const ALPN_NAME_BYTES_MAX = 255;
const ALPN_NAMES_MAX = 16;

const clientCertificate = z.strictObject({
  cert: filePath('The certificate that the gateway shows, and its chain, PEM. Relative to the configuration file.'),
  key: filePath('The private key of the certificate, PEM. Relative to the configuration file.'),
});

const serviceTls = z
  .strictObject({
    ca: filePath(
      'Certificates that sign those of the service, PEM. Relative to the configuration file. Without it the system decides.',
    ).optional(),
    crl: filePath(
      'Certificates that count no more: a revocation list of each authority, PEM. Relative to the configuration file.',
    ).optional(),
    serverName: hostName(
      'The name that the service is asked for and that its certificate must carry. Without it, the host of the endpoint.',
    ).optional(),
    certificate: clientCertificate
      .optional()
      .describe('What the gateway shows to a service that asks for a certificate (mutual TLS).'),
    verify: z
      .literal('dangerously-off')
      .optional()
      .describe(
        '`dangerously-off` takes any certificate, so that whoever sits between can read and change everything. Without it, certificates are verified.',
      ),
    alpn: z
      .array(z.string().min(1).max(ALPN_NAME_BYTES_MAX))
      .min(1)
      .max(ALPN_NAMES_MAX)
      .optional()
      .describe('Protocols that endpoints with `tls` are offered (ALPN). For `https`, `protocol` decides.'),
  })
  .superRefine(({ ca, crl, verify }, context) => {
    if (verify !== 'dangerously-off') return;
    for (const [name, value] of Object.entries({ ca, crl })) {
      if (value === undefined) continue;
      const message = `with \`verify: dangerously-off\` nothing is verified, so \`${name}\` would have no effect; leave one of them out`;
      context.addIssue({ code: 'custom', message, path: [name] });
    }
  });

const serviceFields = z.strictObject({
  endpoints: z
    .array(endpointSchema)
    .min(1)
    .optional()
    .describe('Where the service is reached: URLs, or maps with `url` and `weight`. May be left out with `discover`.'),
  discover: discoverySchema
    .optional()
    .describe('Where endpoints are found while the gateway runs: `dns`, `file` or `consul`. They come on top of `endpoints`.'),
  protocol: z
    .enum(['http1', 'http2'])
    .default('http1')
    .describe(
      'What is spoken with the service: HTTP/1.1, or HTTP/2 (agreed on by ALPN over `https`, with prior knowledge over `http`).',
    ),
  timeouts: serviceTimeouts.prefault({}).describe('How long the gateway waits for the service.'),
  retry: serviceRetry
    .prefault({})
    .describe('Further attempts for a request whose first one has failed, where nothing can be done twice. `false` makes none.'),
  hedge: serviceHedge
    .optional()
    .describe(
      'A second attempt, at another endpoint, for a request without a body that is only read with and is slow. The first answer counts. Without it, none.',
    ),
  ...balancingFields,
  pool: servicePool.prefault({}).describe('Connections to the service that are kept and reused.'),
  host: upstreamHost
    .default('client')
    .describe('Which host the service sees: the one of the client, the one of the endpoint, or a name.'),
  proxyProtocol: z
    .enum(['v1', 'v2'])
    .optional()
    .describe(
      'Begins each connection with a PROXY header that names the client. Connections are then not shared between clients. Without it, none.',
    ),
  breaker: breakerSchema.optional().describe('Leaves the service alone for a while when it mostly fails. Without it, never.'),
  concurrency: concurrencySchema
    .optional()
    .describe('How many requests the service has at a time, and how many wait for their turn. Without it, as many as come.'),
  openapi: filePath('An OpenAPI document of the service. What aggregates refer to in its answers is checked by it.').optional(),
  tls: serviceTls.optional().describe('How endpoints with `https` and `tls` are verified, and what the gateway shows them.'),
  health: healthSchema
    .optional()
    .describe('Checks of the endpoints: those that fail get no requests. Without it, none is checked.'),
  outliers: outliersSchema
    .prefault({})
    .describe('Endpoints that fail are left out for a while: ejected. `false`: none is, whatever it does.'),
});

interface Problem {
  readonly path: (string | number)[];
  readonly message: string;
}

/** A service: a named upstream with its endpoints. */
export const serviceSchema = serviceFields
  .superRefine((service, context) => {
    const problems = [
      ...findNoEndpoints(service),
      ...findMixedEndpoints(service),
      ...findUselessSettings(service),
      ...findBalancingProblems(service),
      ...findUselessChecks(service),
      ...findUselessProtection(service),
    ];
    for (const problem of problems) {
      context.addIssue({ code: 'custom', ...problem });
    }
  })
  .transform(({ endpoints = [], ...service }) => ({ endpoints, ...service }));

type ServiceFields = z.output<typeof serviceFields>;

function findNoEndpoints({ endpoints, discover }: ServiceFields): Problem[] {
  if (endpoints !== undefined || discover !== undefined) return [];
  return [{ path: ['endpoints'], message: '`endpoints` is missing; without it, `discover` says where they are found' }];
}

/** Bytes and HTTP are spoken by different listeners, so nobody could use both. */
function findMixedEndpoints({ endpoints = [], discover }: ServiceFields): Problem[] {
  const first = endpoints[0]?.url.scheme ?? 'http';
  if (
    endpoints.length > 0 &&
    discover !== undefined &&
    discover.kind !== 'file' &&
    isHttpScheme(discover.scheme) !== isHttpScheme(first)
  ) {
    const message = `\`${discover.scheme}\` beside \`${first}\` of \`endpoints\`: the endpoints of a service either speak HTTP or take bytes`;
    return [{ path: ['discover', discover.kind, 'scheme'], message }];
  }
  const position = endpoints.findIndex(({ url }) => isHttpScheme(url.scheme) !== isHttpScheme(first));
  if (position < 0) return [];
  const message = `\`${endpoints[position]!.url.scheme}\` beside \`${first}\`: the endpoints of a service either speak HTTP (\`http\`, \`https\`) or take bytes (\`tcp\`, \`tls\`)`;
  return [{ path: ['endpoints', position], message }];
}

function findUselessSettings(service: ServiceFields): Problem[] {
  const { protocol, proxyProtocol, tls, hedge } = service;
  const problems: Problem[] = [];
  const schemes = listSchemes(service);
  const hasHttp = !hasOnlyBytes(service);
  if (tls !== undefined && !schemes.includes('https') && !schemes.includes('tls'))
    problems.push({ path: ['tls'], message: 'no endpoint uses `https` or `tls`, so `tls` would have no effect' });
  else if (tls?.alpn !== undefined && !schemes.includes('tls'))
    problems.push({
      path: ['tls', 'alpn'],
      message: 'no endpoint uses `tls`, so `alpn` would have no effect; for `https`, `protocol` decides',
    });
  if (hedge !== undefined && !hasHttp)
    problems.push({ path: ['hedge'], message: 'no endpoint uses `http` or `https`, so `hedge` would have no effect' });
  if (protocol === 'http2' && !hasHttp)
    problems.push({ path: ['protocol'], message: 'no endpoint uses `http` or `https`, so `protocol` would have no effect' });
  if (protocol === 'http2' && hasHttp && proxyProtocol !== undefined)
    problems.push({
      path: ['proxyProtocol'],
      message: 'a connection of HTTP/2 is shared by many clients, and a PROXY header names one; use `protocol: http1`',
    });
  return problems;
}
