import { z } from 'zod';
import { limits } from '#base/limits.ts';
import { address } from '#schema/address.ts';
import { bytes, formatBytes } from '#schema/bytes.ts';
import { cidr } from '#schema/cidr.ts';
import { duration } from '#schema/duration.ts';
import { filePath } from '#schema/file-path.ts';
import type { PolicyBlocks } from './policy-blocks.ts';

const CONNECTIONS_MAX = 1_000_000;

const certificate = z.strictObject({
  cert: filePath('The certificate and its chain, PEM. Relative to the configuration file.'),
  key: filePath('The private key of the certificate, PEM. Relative to the configuration file.'),
});

const listenerTls = z.strictObject({
  certificates: z
    .array(certificate)
    .min(1)
    .max(1)
    .describe('The certificate with its key. One for all hosts: choosing by name is not supported yet.'),
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
  return z.strictObject({
    address: address().describe(
      'Where to listen: an IP address and a port, a port alone (every address), or `unix:` and the path of a socket.',
    ),
    tls: listenerTls.optional().describe('Serves HTTPS. Without this block the listener serves plain HTTP.'),
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
}
