import { z } from 'zod';
import { formatBytes } from '#base/byte-text.ts';
import { limits } from '#base/limits.ts';
import { address } from '#schema/address.ts';
import { bytes } from '#schema/bytes.ts';
import { cidr } from '#schema/cidr.ts';
import { duration } from '#schema/duration.ts';
import { filePath } from '#schema/file-path.ts';
import { forms, isMap } from '#schema/forms.ts';
import { hostPattern } from '#schema/host-kinds.ts';
import { readHostPattern } from '#schema/host-pattern.ts';
import { acmeNames } from './acme-schema.ts';
import { serviceDestinationSchema } from './destination-schema.ts';
import type { PolicyBlocks } from './policies/policy-blocks.ts';

const CONNECTIONS_MAX = 1_000_000;
const CERTIFICATES_MAX = 10_000;

const DEPTH_MAX = 16;

const fileCertificate = z
  .strictObject({
    cert: filePath('The certificate and its chain, PEM. Relative to the configuration file.'),
    key: filePath('The private key of the certificate, PEM. Relative to the configuration file.'),
    hosts: z
      .array(hostPattern())
      .min(1)
      .optional()
      .describe('The hosts that it is for. Without it, those that the certificate names.'),
  })
  .transform((written) => ({ kind: 'file' as const, ...written }));

const orderedCertificate = z
  .strictObject({
    acme: acmeNames.describe('Names of one certificate that is ordered and renewed by itself; see `acme`.'),
  })
  .transform(({ acme: names }) => ({ kind: 'acme' as const, names }));

const hasKey = (key: string) => (value: unknown) => isMap(value) && key in value;

const certificate = forms('a map with `cert` and `key`, or one with `acme`', [
  { isMeant: hasKey('acme'), schema: orderedCertificate },
  { isMeant: isMap, schema: fileCertificate },
]);

const clientCertificates = z.strictObject({
  mode: z
    .enum(['required', 'optional'])
    .describe('Whether a client must show a certificate. One that is shown is verified either way.'),
  ca: filePath('Certificates of the authorities that sign those of clients, PEM. Relative to the configuration file.'),
  depth: z
    .int()
    .min(1)
    .max(DEPTH_MAX)
    .default(4)
    .describe('How many certificates there may be from the one of the client to the one of the authority, both counted.'),
  crl: filePath(
    'Certificates that count no more: a revocation list of each authority, PEM. Relative to the configuration file.',
  ).optional(),
  onFailure: z
    .enum(['handshake', 'answer'])
    .default('handshake')
    .describe('What a client without a valid certificate meets: a failed handshake, or the answer 403 to each of its requests.'),
  forward: z
    .enum(['client-cert', 'x-forwarded-client-cert'])
    .optional()
    .describe('The field by which services are told of the certificate: that of RFC 9440, or that of Envoy. Without it, none.'),
});

const listenerTls = z.strictObject({
  policy: z
    .enum(['intermediate', 'modern'])
    .default('intermediate')
    .describe(
      'The versions and ciphers: what Mozilla recommends for clients of the last years (`intermediate`), or TLS 1.3 alone (`modern`).',
    ),
  certificates: z
    .array(certificate)
    .min(1)
    .max(CERTIFICATES_MAX)
    .default([])
    .describe(
      'The certificates, chosen by the host that a client asks for. The first is for clients that name none. Not needed where `passthrough` names every host.',
    ),
  unknownHosts: z
    .enum(['default', 'refuse'])
    .default('default')
    .describe('What clients get that ask for a host without a certificate: the first one, or a failed handshake.'),
  ticketRotation: duration({ min: '1m', max: '7d' })
    .prefault('12h')
    .describe(
      'How often the key of session tickets changes. A client resumes its session with a ticket of the present key or of the one before; the same keys count in all threads.',
    ),
  clientCertificates: clientCertificates
    .optional()
    .describe('Asks clients for certificates (mutual TLS). Without this block they are not asked.'),
  passthrough: z
    .record(z.string(), serviceDestinationSchema)
    .optional()
    .superRefine((hosts, context) => {
      for (const problem of findPassthroughProblems(hosts)) context.addIssue({ code: 'custom', ...problem });
    })
    .describe(
      'Hosts whose connections go on as they are, without ending TLS: host patterns, and the service that takes the bytes. The most specific pattern counts, those of certificates included; between equals, the one here.',
    ),
});

function findPassthroughProblems(hosts: object | undefined): { path: string[]; message: string }[] {
  if (hosts === undefined) return [];
  const problems: { path: string[]; message: string }[] = [];
  const writtenByHost = new Map<string, string>();
  for (const written of Object.keys(hosts)) {
    const reading = readHostPattern(written);
    const other = 'value' in reading ? writtenByHost.get(reading.value.source) : undefined;
    if ('problem' in reading) problems.push({ path: [written], message: reading.problem });
    else if (other !== undefined)
      problems.push({ path: [written], message: `\`${written}\` and \`${other}\` are the same host` });
    else writtenByHost.set(reading.value.source, written);
  }
  if (Object.keys(hosts).length === 0)
    problems.push({ path: [], message: 'there is no host; name one, or leave `passthrough` out' });
  return problems;
}

const http2 = z.strictObject({
  streams: z.int().min(1).max(65_536).default(128).describe('Most requests at a time over one connection.'),
  headerListBytes: bytes({ min: '1KiB', max: '1MiB' })
    .prefault('32KiB')
    .describe('Largest list of header fields of a request, without compression and with 32 bytes for each field.'),
  windowBytes: bytes({ min: '64KiB', max: '16MiB' })
    .prefault('256KiB')
    .describe('How much of a request body a client may send ahead of its being read, for each request.'),
  connectionWindowBytes: bytes({ min: '64KiB', max: '64MiB' })
    .prefault('1MiB')
    .describe('The same for all requests of a connection together.'),
  resetsPerMinute: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(1000)
    .describe('Most requests that a client may break off in a minute; beyond that, its connection is ended.'),
});

const proxyProtocol = z.strictObject({
  from: z
    .array(cidr())
    .min(1)
    .describe('Addresses of proxies that begin each connection with a PROXY header; theirs is believed, and required.'),
});

const tcp = z.strictObject({
  to: serviceDestinationSchema.describe('The service that takes the bytes, or several by weight.'),
  idle: duration({ min: '10ms' })
    .prefault('1h')
    .describe('How long nothing may move over a connection, either way, before it is ended.'),
});

const listenerTimeouts = z.strictObject({
  head: duration({ min: '10ms' })
    .prefault('10s')
    .describe('How long a client may take for the head of a request, and for the TLS handshake.'),
  bodyIdle: duration({ min: '10ms' })
    .prefault('60s')
    .describe('How long a request body may stand still, and an answer be left unread.'),
  keepAlive: duration({ min: '10ms' }).prefault('75s').describe('How long a connection may wait for its next request.'),
  tunnelIdle: duration({ min: '10ms' })
    .prefault('1h')
    .describe('How long a WebSocket or another tunnel may be silent both ways.'),
  linger: duration({ max: '1m' })
    .prefault('5s')
    .describe('How long a refused request is still read, so that the client sees the answer.'),
});

const listenerLimits = z.strictObject({
  headBytes: bytes({ min: '1KiB', max: '1MiB' })
    .prefault(formatBytes(limits.headBytesMax))
    .describe('Largest head of a request: request line and header fields.'),
  fieldCount: z.int().min(8).max(1024).default(limits.fieldCountMax).describe('Most header fields of a request.'),
});

/** A listener; `policies` is the schema of its policy blocks. */
export function listenerSchema<Input>(policies: z.ZodType<PolicyBlocks, Input>) {
  const fields = z.strictObject({
    address: address().describe(
      'Where to listen: an IP address and a port, a port alone (every address), or `unix:` and the path of a socket.',
    ),
    tls: listenerTls.optional().describe('Serves HTTPS. Without this block the listener serves plain HTTP.'),
    http2: forms('`false`, or a map with the limits of HTTP/2', [
      { isMeant: (value) => value === false, schema: z.literal(false) },
      { isMeant: isMap, schema: http2 },
    ])
      .prefault({})
      .describe(
        'Limits of HTTP/2, which clients may choose over TLS and begin by themselves without; `false` leaves HTTP/1.1 alone.',
      ),
    tcp: tcp.optional().describe('Passes bytes on without reading them. Without this block the listener serves HTTP.'),
    proxyProtocol: proxyProtocol
      .optional()
      .describe('Reads PROXY headers, version 1 and 2, which tell the client behind a proxy. Without it, none are expected.'),
    maxConnections: z
      .int()
      .min(1)
      .max(CONNECTIONS_MAX)
      .default(10_000)
      .describe('Most client connections at a time, per data thread; more are closed at once.'),
    maxConnectionsPerClient: z
      .int()
      .min(1)
      .max(CONNECTIONS_MAX)
      .optional()
      .describe('Most connections of one client address at a time, per data thread. Without it only `maxConnections` limits.'),
    trustedProxies: z
      .array(cidr())
      .default([])
      .describe(
        'Addresses of proxies whose `forwarded` and `x-forwarded-*` fields are believed. Those of anybody else are dropped.',
      ),
    timeouts: listenerTimeouts.prefault({}).describe('How long the listener waits for clients.'),
    limits: listenerLimits.prefault({}).describe('How large the heads of requests may be.'),
    policies: policies
      .optional()
      .describe(
        'Policies for all routes of this listener. They override those of the gateway by name; `false` switches one off.',
      ),
  });
  return fields.superRefine((listener, context) => {
    if (listener.proxyProtocol !== undefined && 'path' in listener.address) {
      const message = 'a Unix socket has no peers with addresses, so `proxyProtocol` would never apply; leave it out';
      context.addIssue({ code: 'custom', message, path: ['proxyProtocol'] });
    }
  });
}
