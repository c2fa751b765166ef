// TLS to upstreams, over both versions of HTTP: whom the gateway believes, what it shows, and what it says when that fails.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createSecureServer } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import type { GatewayInput } from '#config/define-gateway.ts';
import { CertificateSigner, type Signed, writeFiles } from '#test/support/certificate-signer.ts';
import { eventually } from '#test/support/eventually.ts';
import { openClient, startGatewayFor } from '#test/support/forwarding.ts';
import { needs } from '#test/support/programs.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];

const signer = await CertificateSigner.create();
const otherSigner = await CertificateSigner.create('Other signer for tests');
const good = await signer.sign();
const expired = await signer.sign({ from: -10, to: -1 });
const future = await signer.sign({ from: 1, to: 10 });
const named = await signer.sign({ names: ['inner.test'] });
const revoked = await signer.sign();
const ours = await signer.sign({ names: ['gateway.test'] });
const oursExpired = await signer.sign({ names: ['gateway.test'], from: -10, to: -1 });
const oursForeign = await otherSigner.sign({ names: ['gateway.test'] });

interface SecureUpstream {
  readonly port: number;
  readonly sockets: readonly TLSSocket[];
  /** For each connection, whether it began with the session of an earlier one. */
  readonly resumed: readonly boolean[];
}

/** Answers every request with the name that the client asked for and the one that it showed. */
async function startSecure(t: TestContext, { cert, key }: Signed, options: TlsOptions = {}): Promise<SecureUpstream> {
  const sockets: TLSSocket[] = [];
  const all: Socket[] = [];
  const server = createSecureServer({ cert, key, allowHTTP1: true, ...options });
  const resumed: boolean[] = [];
  server.on('secureConnection', (socket: TLSSocket) => {
    sockets.push(socket);
    resumed.push(socket.isSessionReused());
  });
  server.on('connection', (socket: Socket) => {
    all.push(socket);
    socket.on('error', ignore);
  });
  server.on('tlsClientError', ignore);
  server.on('sessionError', ignore);
  server.on('request', (request, response) => {
    const tls = sockets.at(-1)!;
    const shown = tls.getPeerCertificate().subject?.CN ?? 'nobody';
    response.end(`<${request.httpVersion} ${String(tls.servername)} ${shown}>`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of all) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, sockets, resumed };
}

function ignore(): void {
  // Refused handshakes are what is tested.
}

async function startTestGatewayWith(t: TestContext, input: Partial<GatewayInput>): Promise<TestGateway> {
  const gateway = await startTestGateway(input);
  t.after(() => gateway.stop());
  return gateway;
}

async function ask(t: TestContext, gateway: TestGateway): Promise<string> {
  const client = await openClient(t, gateway);
  client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
  const text = await client.until(/<(.*)>|"(GH_[A-Z0-9_]+)"/);
  const [, answer, code] = /<(.*)>|"(GH_[A-Z0-9_]+)"/.exec(text)!;
  return answer ?? code!;
}

interface Case {
  readonly name: string;
  readonly server: Signed;
  readonly options?: TlsOptions;
  /** Names of files, which are written for the test. */
  readonly tls: { ca?: string; crl?: string; serverName?: string; certificate?: Signed; verify?: 'dangerously-off' };
  readonly host?: string;
  /** What the upstream saw, or the code. */
  readonly expected: string;
  readonly reason?: string | RegExp;
}

const mutual = { requestCert: true, rejectUnauthorized: true, ca: signer.pem };
const notRevoked = await signer.revoke([]);
const revocations = await signer.revoke([revoked]);
const oldRevocations = await signer.revoke([], { from: -10, to: -1 });

const cases: readonly Case[] = [
  { name: 'a certificate of the authority, for the host', server: good, tls: { ca: signer.pem }, expected: 'localhost nobody' },
  {
    name: 'an address that is in the certificate',
    server: good,
    host: '127.0.0.1',
    tls: { ca: signer.pem },
    expected: 'false nobody',
  },
  {
    name: 'a certificate for the name of choice',
    server: named,
    tls: { ca: signer.pem, serverName: 'inner.test' },
    expected: 'inner.test nobody',
  },
  {
    name: 'a certificate for another name',
    server: named,
    tls: { ca: signer.pem },
    expected: 'GH_UPSTREAM_TLS',
    reason: 'ERR_TLS_CERT_ALTNAME_INVALID',
  },
  {
    name: 'a name of choice that is not in the certificate',
    server: good,
    tls: { ca: signer.pem, serverName: 'inner.test' },
    expected: 'GH_UPSTREAM_TLS',
    reason: 'ERR_TLS_CERT_ALTNAME_INVALID',
  },
  {
    name: 'another authority',
    server: good,
    tls: { ca: otherSigner.pem },
    expected: 'GH_UPSTREAM_TLS',
    reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  },
  {
    name: 'no authority but those of the system',
    server: good,
    tls: {},
    expected: 'GH_UPSTREAM_TLS',
    reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  },
  {
    name: 'an expired certificate',
    server: expired,
    tls: { ca: signer.pem },
    expected: 'GH_UPSTREAM_TLS',
    reason: 'CERT_HAS_EXPIRED',
  },
  {
    name: 'a certificate that is not yet valid',
    server: future,
    tls: { ca: signer.pem },
    expected: 'GH_UPSTREAM_TLS',
    reason: 'CERT_NOT_YET_VALID',
  },
  {
    name: 'a revoked certificate',
    server: revoked,
    tls: { ca: signer.pem, crl: revocations },
    expected: 'GH_UPSTREAM_TLS',
    reason: 'CERT_REVOKED',
  },
  {
    name: 'a certificate that no list revokes',
    server: good,
    tls: { ca: signer.pem, crl: notRevoked },
    expected: 'localhost nobody',
  },
  {
    name: 'a revocation list that is out of date',
    server: good,
    tls: { ca: signer.pem, crl: oldRevocations },
    expected: 'GH_UPSTREAM_TLS',
    reason: 'CRL_HAS_EXPIRED',
  },
  {
    name: 'a wrong certificate where nothing is verified',
    server: expired,
    tls: { verify: 'dangerously-off' },
    expected: 'localhost nobody',
  },
  {
    name: 'a certificate of the gateway that is asked for',
    server: good,
    options: mutual,
    tls: { ca: signer.pem, certificate: ours },
    expected: 'localhost gateway.test',
  },
  {
    name: 'a certificate of the gateway that nobody asks for',
    server: good,
    tls: { ca: signer.pem, certificate: ours },
    expected: 'localhost nobody',
  },
  {
    name: 'no certificate of the gateway where one is asked for',
    server: good,
    options: mutual,
    tls: { ca: signer.pem },
    expected: 'GH_UPSTREAM_TLS',
    reason: /^ERR_SSL_.*CERTIFICATE_REQUIRED$/,
  },
  {
    name: 'no certificate of the gateway where one is asked for, with TLS 1.2',
    server: good,
    options: { ...mutual, maxVersion: 'TLSv1.2' },
    tls: { ca: signer.pem },
    expected: 'GH_UPSTREAM_TLS',
    reason: /^EPROTO$|^ERR_SSL_/,
  },
  {
    name: 'an upstream that speaks older versions only',
    server: good,
    options: { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' },
    tls: { ca: signer.pem },
    expected: 'GH_UPSTREAM_TLS',
    reason: /^EPROTO$|^ERR_SSL_/,
  },
];

async function toServiceTls(t: TestContext, tls: Case['tls']): Promise<NonNullable<ServiceInput['tls']>> {
  const { ca, crl, certificate, serverName, verify } = tls;
  const paths = await writeFiles(t, {
    ...(ca !== undefined && { ca }),
    ...(crl !== undefined && { crl }),
    ...(certificate !== undefined && { cert: certificate.cert, key: certificate.key }),
  } as Record<string, string>);
  return {
    ...(ca !== undefined && { ca: paths['ca']! }),
    ...(crl !== undefined && { crl: paths['crl']! }),
    ...(certificate !== undefined && { certificate: { cert: paths['cert']!, key: paths['key']! } }),
    ...(serverName !== undefined && { serverName }),
    ...(verify !== undefined && { verify }),
  };
}

for (const protocol of ['http1', 'http2'] as const) {
  for (const { name, server, options, tls, host = 'localhost', expected, reason } of cases) {
    test(`${protocol}, ${name}: ${expected}`, async (t) => {
      const upstream = await startSecure(t, server, options);
      const gateway = await startGatewayFor(t, {
        service: { endpoints: [`https://${host}:${upstream.port}`], protocol, tls: await toServiceTls(t, tls) },
      });
      const version = protocol === 'http1' ? '1.1' : '2.0';
      assert.equal(await ask(t, gateway), expected.startsWith('GH_') ? expected : `${version} ${expected}`);
      if (reason === undefined) return;
      const lines = await gateway.stop();
      const detail = lines.find((line) => line['code'] === expected)?.['detail'] as { reason: string } | undefined;
      if (typeof reason === 'string') assert.equal(detail?.reason, reason);
      else assert.match(detail?.reason ?? '', reason);
    });
  }
}

test(
  'a certificate of the gateway that the upstream’s authority has not signed is refused, and the log says so',
  needs('openssl'),
  async (t) => {
    const paths = await writeFiles(t, {
      ca: signer.pem,
      cert: good.cert,
      key: good.key,
      ours: oursForeign.cert,
      oursKey: oursForeign.key,
    });
    const server = spawn('openssl', [
      ...['s_server', '-accept', '127.0.0.1:0', '-www', '-Verify', '1', '-verify_return_error'],
      ...['-CAfile', paths.ca, '-cert', paths.cert, '-key', paths.key],
    ]);
    t.after(() => server.kill());
    let output = '';
    server.stdout.on('data', (bytes: Buffer) => {
      output += bytes.toString();
    });
    await eventually(() => /^ACCEPT .*:\d+$/m.test(output), 'openssl listens');
    const port = /^ACCEPT .*:(\d+)$/m.exec(output)![1]!;
    const gateway = await startGatewayFor(t, {
      service: {
        endpoints: [`https://localhost:${port}`],
        tls: { ca: paths.ca, certificate: { cert: paths.ours, key: paths.oursKey } },
      },
    });
    assert.equal(await ask(t, gateway), 'GH_UPSTREAM_TLS');
    const [line] = await gateway.stop();
    assert.equal((line!['detail'] as { reason: string }).reason, 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA');
  },
);

test('the log says which name was expected and which ones the certificate has', async (t) => {
  const upstream = await startSecure(t, named);
  const gateway = await startGatewayFor(t, {
    service: { endpoints: [`https://localhost:${upstream.port}`], tls: await toServiceTls(t, { ca: signer.pem }) },
  });
  await ask(t, gateway);
  const [line] = await gateway.stop();
  assert.match((line!['detail'] as { explanation: string }).explanation, /localhost.*inner\.test/);
});

test('a service that is not verified is named in the log at the start and at each reload', async (t) => {
  const services = {
    open: { endpoints: ['https://localhost:1'], tls: { verify: 'dangerously-off' as const } },
    closed: { endpoints: ['https://localhost:1'] },
  };
  const gateway = await startGatewayFor(t, { service: { endpoints: ['http://localhost:1'] }, gateway: { services, routes: {} } });
  const warnings = () => gateway.events.filter(({ level }) => level === 'warn');
  assert.deepEqual(warnings(), [
    { level: 'warn', message: 'certificates of a service are not verified', fields: { service: 'open' } },
  ]);
  await gateway.reconfigure({ services, routes: {} });
  assert.equal(warnings().length, 2);
});

for (const [name, options] of [
  ['that speaks HTTP/1 only', { ALPNProtocols: ['http/1.1'] }],
  ['without ALPN', {}],
] as const) {
  test(`an upstream ${name} is not spoken to over HTTP/2`, async (t) => {
    let received = 0;
    const server = createServer({ cert: good.cert, key: good.key, ...options }, (socket) => {
      socket.on('data', (bytes) => {
        received += bytes.length;
      });
      socket.on('error', ignore);
    });
    server.on('tlsClientError', ignore);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => server.close());
    const { port } = server.address() as AddressInfo;
    const gateway = await startGatewayFor(t, {
      service: { endpoints: [`https://localhost:${port}`], protocol: 'http2', tls: await toServiceTls(t, { ca: signer.pem }) },
    });
    assert.equal(await ask(t, gateway), 'GH_UPSTREAM_NO_HTTP2');
    assert.equal(received, 0);
    const [line] = await gateway.stop();
    assert.equal((line!['detail'] as { reason: string }).reason, 'ALPN');
  });
}

for (const protocol of ['http1', 'http2'] as const) {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${protocol}, ${maxVersion}: later connections resume the session of the first`, async (t) => {
      const upstream = await startSecure(t, good, { maxVersion });
      const gateway = await startGatewayFor(t, {
        service: {
          endpoints: [`https://localhost:${upstream.port}`],
          protocol,
          pool: { idle: '0s' },
          tls: await toServiceTls(t, { ca: signer.pem }),
        },
      });
      for (let i = 0; i < 4; i++) {
        await ask(t, gateway);
        upstream.sockets.at(-1)!.destroy();
        await eventually(() => upstream.sockets.at(-1)!.closed, 'the connection is closed');
      }
      assert.deepEqual(upstream.resumed, [false, true, true, true]);
    });
  }
}

test('new connections use the certificate and the authority that the files hold now', async (t) => {
  const upstream = await startSecure(t, good, { ...mutual, ca: [signer.pem, otherSigner.pem] });
  const paths = await writeFiles(t, { ca: signer.pem, cert: ours.cert, key: ours.key });
  const service: ServiceInput = {
    endpoints: [`https://localhost:${upstream.port}`],
    tls: { ca: paths.ca, certificate: { cert: paths.cert, key: paths.key } },
  };
  const input = { services: { main: service }, routes: { all: { match: {}, to: 'main' } } };
  const gateway = await startTestGatewayWith(t, input);
  assert.equal(await ask(t, gateway), '1.1 localhost gateway.test');
  const next = await otherSigner.sign({ names: ['next.test'] });
  await writeFile(paths.cert, next.cert);
  await writeFile(paths.key, next.key);
  assert.deepEqual(await gateway.reconfigure(input), []);
  assert.equal(await ask(t, gateway), '1.1 localhost next.test');
  await writeFile(paths.ca, otherSigner.pem);
  assert.deepEqual(await gateway.reconfigure(input), []);
  assert.equal(await ask(t, gateway), 'GH_UPSTREAM_TLS');
});

for (const [name, texts, expected] of [
  ['a key of another certificate', { cert: ours.cert, key: good.key }, /^the private key .*key\.pem/],
  ['an expired certificate', oursExpired, /^the certificate .*cert\.pem/],
  ['a certificate that is none', { cert: 'hello', key: ours.key }, /^the certificate .*cert\.pem/],
] as const) {
  test(`a reload with ${name} to show is refused, and the running one stays`, async (t) => {
    const upstream = await startSecure(t, good, mutual);
    const paths = await writeFiles(t, { ca: signer.pem, cert: ours.cert, key: ours.key });
    const service: ServiceInput = {
      endpoints: [`https://localhost:${upstream.port}`],
      tls: { ca: paths.ca, certificate: { cert: paths.cert, key: paths.key } },
    };
    const input = { services: { main: service }, routes: { all: { match: {}, to: 'main' } } };
    const gateway = await startTestGatewayWith(t, input);
    await writeFile(paths.cert, texts.cert);
    await writeFile(paths.key, texts.key);
    const [reason] = await gateway.reconfigure(input);
    assert.match(reason ?? '', expected);
    assert.equal(await ask(t, gateway), '1.1 localhost gateway.test');
  });
}

for (const [name, crl] of [
  ['no list at all', 'hello'],
  ['a broken list', '-----BEGIN X509 CRL-----\nhello\n-----END X509 CRL-----\n'],
] as const) {
  test(`${name} as a revocation list is refused`, async (t) => {
    const paths = await writeFiles(t, { ca: signer.pem, crl });
    const gateway = await startTestGatewayWith(t, {});
    const service = { endpoints: ['https://localhost:1'], tls: { ca: paths.ca, crl: paths.crl } };
    const [reason] = await gateway.reconfigure({ services: { main: service } });
    assert.match(reason ?? '', /^the revocation list .*crl\.pem/);
  });
}
