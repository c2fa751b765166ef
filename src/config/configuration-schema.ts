/** The whole configuration: what a user may write and what comes out of it. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { readPort } from '#schema/address.ts';
import { duration } from '#schema/duration.ts';
import { namedMap } from '#schema/maps.ts';
import { quote } from '#schema/quote.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';
import { token } from '#schema/token.ts';
import { accessLogSchema } from './access-log/access-log-schema.ts';
import { acmeSchema } from './acme-schema.ts';
import { adminSchema } from './admin-schema.ts';
import { auditSchema } from './audit-schema.ts';
import { consumersSchema } from './consumer-schema.ts';
import { debugSchema } from './debug-schema.ts';
import { geoSchema } from './geo-schema.ts';
import { historySchema } from './history-schema.ts';
import { listenerSchema } from './listener-schema.ts';
import { logSchema } from './log-schema.ts';
import { overloadSchema } from './overload-schema.ts';
import { type ConfigurablePolicy, type PolicyWithConfig, policyBlocks } from './policies/policy-blocks.ts';
import { quotasSchema } from './quotas-schema.ts';
import { rateLimitsSchema } from './rate-limits-schema.ts';
import { recordingSchema } from './recording-schema.ts';
import { routeSchema } from './route-schema.ts';
import { serviceSchema } from './service-schema.ts';
import { zone } from './services/balancing-schema.ts';
import { storesSchema } from './stores-schema.ts';
import { tokenKeysSchema } from './token-keys-schema.ts';
import { tracingSchema } from './tracing-schema.ts';

const THREADS_MAX = 512;

const shutdown = z.strictObject({
  delay: duration({ max: '1h' })
    .prefault('0s')
    .describe('How long the gateway goes on accepting after it has said that it is not ready, so that load balancers notice.'),
  deadline: duration({ max: '1h' })
    .prefault('30s')
    .describe('How long requests may still run after that; then their connections are closed.'),
});

const dns = z
  .strictObject({
    servers: z
      .array(dnsServer())
      .min(1)
      .optional()
      .describe('Name servers, as IP addresses with or without a port. Without them, those of the system.'),
    ttlMin: duration({ max: '1h' }).prefault('1s').describe('How long an answer is kept at least, whatever it says itself.'),
    ttlMax: duration({ max: '24h' }).prefault('300s').describe('How long an answer is kept at most, whatever it says itself.'),
  })
  .superRefine(({ ttlMin, ttlMax }, context) => {
    if (ttlMin > ttlMax) context.addIssue({ code: 'custom', message: '`ttlMin` is longer than `ttlMax`', path: ['ttlMin'] });
  });

const forwarding = z.strictObject({
  via: token().prefault('gatehouse').describe('The name that the gateway puts into `via` fields.'),
});

/** What the gateway tells of the requests that go through it. */
const observing = {
  accessLog: accessLogSchema
    .prefault({})
    .describe('One line per request: where to, which, and what stands in it. `false` writes none.'),
  log: logSchema.prefault({}).describe('What the gateway says of itself: the error log.'),
  recording: recordingSchema
    .optional()
    .describe('Samples of real exchanges, without their secrets, in a file that `gatehouse replay` reads. Without it, none.'),
  tracing: tracingSchema
    .optional()
    .describe(
      'Traces of requests, for a collector of OpenTelemetry. Without it none are taken, and fields that tell of traces pass as they are.',
    ),
  debug: debugSchema
    .optional()
    .describe('Lets developers have single requests explained, by a signed token. Without it, nobody is told anything.'),
};

/** The schema of a configuration with these policies. */
export function createConfigurationSchema<Policies extends readonly ConfigurablePolicy[]>(policies: readonly PolicyWithConfig[]) {
  const blocks = policyBlocks<Policies>(policies);
  return z
    .strictObject({
      $schema: z
        .string()
        .optional()
        .describe('The JSON Schema that an editor checks this file with. The gateway does not read it.'),
      version: z.literal(1).describe('The version of the configuration format.'),
      listeners: namedMap(listenerSchema(blocks)).describe('Where the gateway listens, by name.'),
      admin: adminSchema
        .optional()
        .describe('Health checks, metrics and the admin API for whoever runs the gateway. Without it there are none.'),
      acme: acmeSchema
        .optional()
        .describe(
          'Where the certificates of listeners that are written as `acme: [NAMES]` are ordered and kept. Using it means agreeing to the terms of the authority.',
        ),
      threads: z
        .int()
        .min(0)
        .max(THREADS_MAX)
        .optional()
        .describe('Data threads. 0 serves in the control thread. Without it, one per core.'),
      services: namedMap(serviceSchema).prefault({}).describe('The upstreams, by name.'),
      consumers: consumersSchema.prefault({}).describe('Those who call and identify themselves, by name.'),
      routes: namedMap(routeSchema(blocks))
        .prefault({})
        .describe('Which requests go where, by name. The most specific match wins, whatever the order.'),
      policies: blocks
        .optional()
        .describe('Policies for every route. Listeners and routes override them by name; `false` switches one off.'),
      ...observing,
      shutdown: shutdown.prefault({}).describe('How the gateway stops.'),
      dns: dns.prefault({}).describe('How names of endpoints are looked up.'),
      forwarding: forwarding.prefault({}).describe('What services are told about the gateway.'),
      rateLimits: rateLimitsSchema.prefault({}).describe('How the gateway keeps count for the policy `rate-limit`.'),
      quotas: quotasSchema.prefault({}).describe('How the gateway keeps count for the policy `quota`.'),
      stores: storesSchema
        .prefault({})
        .describe('Where the gateway keeps what is to outlive it, or what several gateways share.'),
      geo: geoSchema.optional().describe('Which countries addresses belong to. Without it, no policy can ask for a country.'),
      zone: zone(
        'The zone that the gateway is in, such as `${env:ZONE}`. Endpoints in the same `zone` are used first. Without it, zones of endpoints mean nothing.',
      ).optional(),
      tokenKeys: tokenKeysSchema
        .optional()
        .describe(
          'The keys of tokens that the gateway makes itself, for `mint` of the policy `upstream-auth`. The same for all instances that stand behind one address.',
        ),
      history: historySchema
        .prefault({})
        .describe('Configurations that have run are kept, so that they can be compared and gone back to by the admin API.'),
      audit: auditSchema
        .optional()
        .describe(
          'Findings of `gatehouse audit` that somebody has looked at and accepts. It changes nothing of what the gateway does.',
        ),
      overload: overloadSchema
        .optional()
        .describe('When a data thread refuses requests because it has more to do than it can. Without it, never.'),
    })
    .superRefine(({ listeners }, context) => {
      if (Object.keys(listeners).length > 0) return;
      context.addIssue({
        code: 'custom',
        message: 'there is no listener; write one, such as `web: { address: ":8080" }`',
        path: ['listeners'],
      });
    });
}

function dnsServer(): z.ZodType<string, string> {
  return textKind({
    noun: 'a name server',
    examples: ['10.0.0.2', '10.0.0.2:5353'],
    help: 'An IP address, with a port if it is not 53.',
    read: readDnsServer,
  });
}

/** The text stays as it is: it is what `node:dns` takes. */
function readDnsServer(text: string): Reading<string> {
  const match = /^(?:\[(.+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text);
  const isAddress = isIP(text) !== 0 || isIP(match?.[1] ?? match?.[2] ?? '') !== 0;
  const isPortValid = match?.[3] === undefined || (readPort(match[3]) ?? 0) > 0;
  if (isAddress && isPortValid) return { value: text };
  return { problem: `${quote(text)} is not a name server; write an IP address such as \`10.0.0.2\` or \`10.0.0.2:5353\`` };
}
