// PROXY headers as curl and HAProxy write them, and as nginx and HAProxy read ours; and TLS through us by openssl.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import test, { type TestContext } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import type { GatewayInput } from '#config/define-gateway.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { freePorts, makeFolder, startServer } from '#test/support/program-server.ts';
import { needs, run } from '#test/support/programs.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const tls = { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] };
const told = { match: { path: '/told' }, to: { respond: { text: 'client=${clientIp} scheme=${scheme}\n' } } };

async function startGateway(t: TestContext, input: Partial<GatewayInput>): Promise<TestGateway> {
  const gateway = await startTestGateway(input);
  t.after(() => gateway.stop());
  return gateway;
}

async function curl(...args: readonly string[]): Promise<string> {
  const { stdout, stderr, status } = await run('curl', ['--silent', '--show-error', '--max-time', '5', ...args]);
  assert.equal(status, 0, stderr);
  return stdout.toString();
}

test('curl --haproxy-protocol is taken for the client that it names, with and without TLS', needs('curl'), async (t) => {
  const proxyProtocol = { from: ['127.0.0.0/8'] };
  const gateway = await startGateway(t, {
    listeners: { web: { address: '127.0.0.1:0', proxyProtocol }, secure: { address: '127.0.0.1:0', proxyProtocol, tls } },
    routes: { told },
  });
  const from = ['--interface', '127.0.0.6', '--haproxy-protocol'];
  assert.equal(await curl(...from, `http://127.0.0.1:${gateway.port()}/told`), 'client=127.0.0.6 scheme=http\n');
  const known = ['--http2-prior-knowledge', `http://127.0.0.1:${gateway.port()}/told`];
  assert.equal(await curl(...from, ...known), 'client=127.0.0.6 scheme=http\n');
  const secure = [`https://localhost:${gateway.port('secure')}/told`, '--cacert', certificatePaths.authority];
  for (const version of ['--http1.1', '--http2']) {
    assert.equal(await curl(...from, version, ...secure), 'client=127.0.0.6 scheme=https\n');
  }
});

/** HAProxy that passes bytes on, with a header of one kind each. */
function toSendingConfiguration(kinds: readonly { port: number; server: string }[]): string {
  return `
defaults
  mode tcp
  timeout connect 5s
  timeout client 10s
  timeout server 10s
${kinds.map(({ port, server }, i) => `listen sending${i}\n  bind 127.0.0.1:${port}\n  server gatehouse ${server}`).join('\n')}
`;
}

test('HAProxy in front of us tells its clients in both versions', needs('haproxy', 'curl'), async (t) => {
  const gateway = await startGateway(t, {
    listeners: { web: { address: '127.0.0.1:0', proxyProtocol: { from: ['127.0.0.1'] } } },
    routes: { told },
  });
  const where = `127.0.0.1:${gateway.port()}`;
  const servers = [
    `${where} send-proxy`,
    `${where} send-proxy-v2`,
    // With the checksum that HAProxy counts itself.
    `${where} send-proxy-v2 proxy-v2-options crc32c,unique-id`,
    // Whether we are there is asked without a header of a client.
    `${where} send-proxy-v2 check inter 50 check-send-proxy`,
  ];
  const ports = await freePorts(servers.length);
  const folder = await makeFolder(t);
  const configuration = toSendingConfiguration(ports.map((port, i) => ({ port, server: servers[i]! })));
  await startServer(t, { program: 'haproxy', folder, configuration, port: ports[0]! });
  for (const port of ports) {
    const url = `http://127.0.0.1:${port}/told`;
    assert.equal(await curl('--interface', '127.0.0.8', url), 'client=127.0.0.8 scheme=http\n', servers[ports.indexOf(port)]!);
  }
});

/** HAProxy that wants headers, and answers with what they say. */
function toReadingConfiguration({ port, securePort }: { port: number; securePort: number }, pemFile: string): string {
  const answer =
    'http-request return content-type text/plain lf-string "client=%[src] to=%[dst]:%[dst_port] sni=%[fc_pp_authority]\\n"';
  return `
defaults
  mode http
  timeout connect 5s
  timeout client 10s
  timeout server 10s
frontend reading
  bind 127.0.0.1:${port} accept-proxy
  bind 127.0.0.1:${securePort} accept-proxy ssl crt ${pemFile}
  ${answer}
`;
}

test('HAProxy behind us reads our headers of both versions, before TLS too', needs('haproxy', 'curl'), async (t) => {
  const folder = await makeFolder(t);
  const pemFile = `${folder}/both.pem`;
  await writeFile(pemFile, `${String(certificates.localhost.cert)}${String(certificates.localhost.key)}`);
  const [port, securePort] = (await freePorts(2)) as [number, number];
  const configuration = toReadingConfiguration({ port, securePort }, pemFile);
  await startServer(t, { program: 'haproxy', folder, configuration, port });
  const ca = { ca: certificatePaths.authority };
  const gateway = await startGateway(t, {
    listeners: {
      web: { address: '127.0.0.1:0' },
      secure: { address: '127.0.0.1:0', tls },
      bytes: { address: '127.0.0.1:0', tcp: { to: 'bytes' } },
    },
    services: {
      v1: { endpoints: [`http://127.0.0.1:${port}`], proxyProtocol: 'v1' },
      v2: { endpoints: [`http://127.0.0.1:${port}`], proxyProtocol: 'v2' },
      'tls-v1': { endpoints: [`https://localhost:${securePort}`], proxyProtocol: 'v1', tls: ca },
      'tls-v2': { endpoints: [`https://localhost:${securePort}`], proxyProtocol: 'v2', tls: ca },
      bytes: { endpoints: [`tcp://127.0.0.1:${port}`], proxyProtocol: 'v2' },
    },
    routes: Object.fromEntries(['v1', 'v2', 'tls-v1', 'tls-v2'].map((name) => [name, { match: { path: `/${name}` }, to: name }])),
  });
  const from = ['--interface', '127.0.0.9'];
  for (const name of ['v1', 'v2', 'tls-v1', 'tls-v2']) {
    const plain = await curl(...from, `http://127.0.0.1:${gateway.port()}/${name}`);
    assert.equal(plain, `client=127.0.0.9 to=127.0.0.1:${gateway.port()} sni=\n`);
  }
  const secure = ['--cacert', certificatePaths.authority, `https://localhost:${gateway.port('secure')}/v2`];
  for (const version of ['--http1.1', '--http2']) {
    assert.equal(
      await curl(...from, version, ...secure),
      `client=127.0.0.9 to=127.0.0.1:${gateway.port('secure')} sni=localhost\n`,
    );
  }
  const passed = await curl(...from, `http://127.0.0.1:${gateway.port('bytes')}/`);
  assert.equal(passed, `client=127.0.0.9 to=127.0.0.1:${gateway.port('bytes')} sni=\n`);
});

test('nginx behind us reads our headers of both versions, for HTTP and for bytes', needs('nginx', 'curl'), async (t) => {
  const folder = await makeFolder(t);
  const [port] = (await freePorts(1)) as [number];
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`);
  const configuration = `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log warn;
events { worker_connections 64; }
http {
  access_log off; ${temporary.join(' ')}
  server {
    listen 127.0.0.1:${port} proxy_protocol;
    location / { return 200 "client=$proxy_protocol_addr to=$proxy_protocol_server_addr:$proxy_protocol_server_port\\n"; }
  }
}`;
  await startServer(t, { program: 'nginx', folder, configuration, port });
  const gateway = await startGateway(t, {
    listeners: {
      web: { address: '127.0.0.1:0' },
      one: { address: '127.0.0.1:0', tcp: { to: 'bytes-v1' } },
      two: { address: '127.0.0.1:0', tcp: { to: 'bytes-v2' } },
    },
    services: {
      v1: { endpoints: [`http://127.0.0.1:${port}`], proxyProtocol: 'v1' },
      v2: { endpoints: [`http://127.0.0.1:${port}`], proxyProtocol: 'v2' },
      'bytes-v1': { endpoints: [`tcp://127.0.0.1:${port}`], proxyProtocol: 'v1' },
      'bytes-v2': { endpoints: [`tcp://127.0.0.1:${port}`], proxyProtocol: 'v2' },
    },
    routes: { v1: { match: { path: '/v1' }, to: 'v1' }, v2: { match: { path: '/v2' }, to: 'v2' } },
  });
  const urls = [
    { listener: 'web', path: '/v1' },
    { listener: 'web', path: '/v2' },
    { listener: 'one', path: '/' },
    { listener: 'two', path: '/' },
  ];
  for (const { listener, path } of urls) {
    const answer = await curl('--interface', '127.0.0.10', `http://127.0.0.1:${gateway.port(listener)}${path}`);
    assert.equal(answer, `client=127.0.0.10 to=127.0.0.1:${gateway.port(listener)}\n`);
  }
});

test('openssl s_client reaches a host that is passed through, and the gateway beside it', needs('openssl'), async (t) => {
  const bank = createTlsServer(certificates.localhost, (socket) => {
    socket.end(`bank ${String(socket.servername)}\n`);
  }).listen(0, '127.0.0.1');
  await once(bank, 'listening');
  t.after(() => bank.close());
  const gateway = await startGateway(t, {
    // The client of openssl does not end by itself.
    listeners: {
      web: { address: '127.0.0.1:0', tls: { ...tls, passthrough: { 'bank.test': 'bank' } }, timeouts: { head: '300ms' } },
    },
    services: { bank: { endpoints: [`tcp://127.0.0.1:${(bank.address() as AddressInfo).port}`] } },
    routes: { told },
  });
  const client = ['s_client', '-connect', `127.0.0.1:${gateway.port()}`, '-CAfile', certificatePaths.authority, '-servername'];
  const passed = await run('openssl', [...client, 'bank.test']);
  assert.match(passed.stdout.toString(), /Verify return code: 0 \(ok\)[\s\S]*bank bank\.test\n/);
  const ended = await run('openssl', [...client, 'localhost', '-alpn', 'http/1.1']);
  assert.match(ended.stdout.toString(), /ALPN protocol: http\/1\.1/);
});

test('bytes of a program that speaks neither HTTP nor TLS go through', needs('openssl'), async (t) => {
  // What a database client does: it asks first whether it may use TLS, and waits for one byte.
  const server = createServer((socket) => {
    socket.once('data', (bytes) => {
      assert.equal(bytes.toString('hex'), '0000000804d2162f');
      socket.write('S');
      const secure = createTlsServer(certificates.localhost, (secured) => secured.end('ready\n'));
      secure.emit('connection', socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const gateway = await startGateway(t, {
    listeners: { web: { address: '127.0.0.1:0', tcp: { to: 'postgres' } } },
    services: { postgres: { endpoints: [`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`] } },
  });
  const connectTo = ['-connect', `127.0.0.1:${gateway.port()}`, '-starttls', 'postgres'];
  const { stdout } = await run('openssl', ['s_client', ...connectTo, '-CAfile', certificatePaths.authority]);
  assert.match(stdout.toString(), /Verify return code: 0 \(ok\)[\s\S]*ready\n/);
});
