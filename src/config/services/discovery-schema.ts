/** Where a service finds endpoints besides those that the configuration names. */
import { z } from 'zod';
import { duration } from '#schema/duration.ts';
import { endpointUrl } from '#schema/endpoint-url.ts';
import { explainUnknownKey } from '#schema/explain.ts';
import { filePath } from '#schema/file-path.ts';
import { type FormProblem, forms, isMap } from '#schema/forms.ts';
import { listWords, quote } from '#schema/quote.ts';
import { secret } from '#schema/secret.ts';
import { textKind } from '#schema/text-kind.ts';
import { endpointSchemes, isHttpScheme } from './service-schemes.ts';

const DISCOVER_KEYS = ['dns', 'file', 'consul'] as const;
const DNS_TYPES = ['A', 'AAAA', 'A+AAAA', 'SRV'] as const;
/** RFC 1035 §2.3.4, without the dot at the end. */
const DNS_NAME_LENGTH_MAX = 253;
/** Services have names with underscores (RFC 2782), which hosts do not. */
const DNS_NAME =
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?$/;
/** What Consul itself takes at most for a blocking query. */
const WAIT_MAX = '10m';

const scheme = () => z.enum(endpointSchemes).default('http').describe('What is spoken with the endpoints that are found.');

const dns = z
  .strictObject({
    name: dnsName().describe('The name that is asked for.'),
    type: z
      .enum(DNS_TYPES)
      .default('A+AAAA')
      .describe('Which records: addresses of version 4, of version 6, of both, or `SRV`, which has ports and weights too.'),
    port: z.int().min(1).max(65_535).optional().describe('The port of the endpoints. SRV records bring their own.'),
    scheme: scheme(),
    every: duration({ min: '100ms', max: '1h' })
      .optional()
      .describe(
        'How often the name is asked for. Without it, as long as the answer lives, within `dns.ttlMin` and `dns.ttlMax`; SRV every 5s.',
      ),
  })
  .superRefine(({ type, port }, context) => {
    if (type !== 'SRV' && port === undefined)
      context.addIssue({ code: 'custom', message: '`port` is missing; addresses come without one', path: ['port'] });
    if (type === 'SRV' && port !== undefined)
      context.addIssue({ code: 'custom', message: 'SRV records bring their own port; leave `port` out', path: ['port'] });
  });

const consulName = (help: string) => z.string().min(1).max(256).describe(help);

const consul = z.strictObject({
  address: endpointUrl()
    .refine((url) => isHttpScheme(url.scheme), { error: 'Consul is reached with `http` or `https`' })
    .prefault('http://127.0.0.1:8500')
    .describe('The HTTP API of Consul, best that of the agent on this machine.'),
  service: consulName('The name of the service in Consul.'),
  tag: consulName('Only instances with this tag.').optional(),
  datacenter: consulName('The datacenter to ask. Without it, the one of the agent.').optional(),
  namespace: consulName('The namespace of the service (Consul Enterprise).').optional(),
  token: secret().optional().describe('The token that Consul is shown. Best written as `${file:PATH}` or `${env:NAME}`.'),
  passingOnly: z
    .boolean()
    .default(true)
    .describe('Only instances whose checks all pass. With `false`, those with a warning too; those that fail never.'),
  wait: duration({ min: '1s', max: WAIT_MAX })
    .prefault('60s')
    .describe('How long Consul may hold a question back until something changes.'),
  scheme: scheme(),
});

const hasKey = (key: string) => (value: unknown) => isMap(value) && key in value;

/** `discover`: a map with exactly one of `dns`, `file` and `consul`. */
export const discoverySchema = forms(
  'a map with `dns`, `file` or `consul`',
  [
    {
      isMeant: hasKey('dns'),
      schema: z
        .strictObject({ dns: dns.describe('A name of the domain name system.') })
        .transform((form) => ({ kind: 'dns' as const, ...form.dns })),
    },
    {
      isMeant: hasKey('file'),
      schema: z
        .strictObject({
          file: filePath('A file with a list of endpoints, YAML or JSON, which is watched. Relative to the configuration file.'),
        })
        .transform(({ file }) => ({ kind: 'file' as const, file })),
    },
    {
      isMeant: hasKey('consul'),
      schema: z
        .strictObject({ consul: consul.describe('A service that Consul knows.') })
        .transform((form) => ({ kind: 'consul' as const, ...form.consul })),
    },
  ],
  findDiscoveryProblem,
);

export type DiscoveryConfiguration = z.output<typeof discoverySchema>;

function findDiscoveryProblem(value: unknown): FormProblem | undefined {
  if (!isMap(value)) return undefined;
  const keys = Object.keys(value);
  const [first, second] = DISCOVER_KEYS.filter((key) => keys.includes(key));
  if (first !== undefined && second !== undefined)
    return {
      code: 'conflict',
      message: `\`${first}\` and \`${second}\` exclude each other; give one of ${listWords(DISCOVER_KEYS)}`,
      path: [second],
    };
  if (first !== undefined) return undefined;
  if (keys[0] === undefined)
    return { code: 'wrong-type', message: `the map is empty; give one of ${listWords(DISCOVER_KEYS)}`, path: [] };
  return { code: 'unknown-key', message: explainUnknownKey(keys[0], DISCOVER_KEYS), path: [keys[0]] };
}

function dnsName(): z.ZodType<string, string> {
  return textKind({
    noun: 'a name',
    examples: ['orders.internal', '_http._tcp.orders.internal'],
    pattern: DNS_NAME,
    help: 'A name of the domain name system.',
    read: (text) =>
      text.length <= DNS_NAME_LENGTH_MAX && DNS_NAME.test(text)
        ? { value: text.toLowerCase() }
        : { problem: `${quote(text)} is not a name of the domain name system; write one such as \`orders.internal\`` },
  });
}
