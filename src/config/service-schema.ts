import { z } from 'zod';
import { authority } from '#schema/authority.ts';
import { duration } from '#schema/duration.ts';
import { endpointUrl } from '#schema/endpoint-url.ts';
import { filePath } from '#schema/file-path.ts';
import { forms, isMap, isText } from '#schema/forms.ts';
import { hostName } from '#schema/host-pattern.ts';

const WEIGHT_MAX = 1000;

const endpointMap = z.strictObject({
  url: endpointUrl().describe('Where the endpoint is reached.'),
  weight: z.int().min(1).max(WEIGHT_MAX).default(1).describe('Its share of the requests, relative to the other endpoints.'),
});

const endpoint = forms('the URL of an endpoint, or a map with `url` and `weight`', [
  { isMeant: isText, schema: endpointUrl().transform((url) => ({ url, weight: 1 })) },
  { isMeant: isMap, schema: endpointMap },
]);

const serviceTimeouts = z.strictObject({
  connect: duration({ min: '10ms' }).prefault('5s').describe('How long a new connection may take, with its TLS handshake.'),
  firstByte: duration({ min: '10ms' })
    .prefault('60s')
    .describe('How long the service may take until its answer begins, once it has the request.'),
  idle: duration({ min: '10ms' }).prefault('60s').describe('How long an answer that has begun may stand still.'),
});

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

const serviceTls = z.strictObject({
  ca: filePath(
    'Certificates that sign those of the service, PEM. Relative to the configuration file. Without it the system decides.',
  ).optional(),
  serverName: hostName(
    'The name that the certificate of the service must carry. Without it, the host of the endpoint.',
  ).optional(),
});

/** A service: a named upstream with its endpoints. */
export const serviceSchema = z
  .strictObject({
    endpoints: z.array(endpoint).min(1).describe('Where the service is reached: URLs, or maps with `url` and `weight`.'),
    timeouts: serviceTimeouts.prefault({}).describe('How long the gateway waits for the service.'),
    pool: servicePool.prefault({}).describe('Connections to the service that are kept and reused.'),
    host: upstreamHost
      .default('client')
      .describe('Which host the service sees: the one of the client, the one of the endpoint, or a name.'),
    tls: serviceTls.optional().describe('How endpoints with `https` are verified.'),
  })
  .superRefine(({ endpoints, tls }, context) => {
    if (tls === undefined || endpoints.some(({ url }) => url.scheme === 'https')) return;
    context.addIssue({ code: 'custom', message: 'no endpoint uses `https`, so `tls` would have no effect', path: ['tls'] });
  });
