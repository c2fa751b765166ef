// Upstreams over HTTP/2 that others have written: nghttpd and nginx, with TLS and with prior knowledge.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { certificatePaths } from '#test/support/certificates.ts';
import { startGatewayFor } from '#test/support/forwarding.ts';
import { needs, start as startProgram } from '#test/support/programs.ts';
import type { TestGateway } from '#test/support/test-gateway.ts';

const large = Buffer.alloc(5 * 1024 * 1024 + 3, 'a static file ');

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-http2-'));
  await mkdir(join(folder, 'files'));
  await writeFile(join(folder, 'files', 'large'), large);
  await writeFile(join(folder, 'files', 'small'), 'small');
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function startServer(t: TestContext, port: number, program: string, args: readonly string[]): Promise<void> {
  const child = startProgram(program, args);
  t.after(async () => {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  while (!(await isListening(port))) assert.equal(child.exitCode, null, `${program} runs`);
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

function startGateway(t: TestContext, url: string): Promise<TestGateway> {
  const tls = url.startsWith('https') ? { tls: { ca: certificatePaths.authority } } : {};
  return startGatewayFor(t, { service: { endpoints: [url], protocol: 'http2', ...tls } });
}

async function startNghttpd(t: TestContext, isSecure: boolean, options: readonly string[] = []): Promise<TestGateway> {
  const [folder, port] = [await makeFolder(t), await freePort()];
  const files = isSecure ? [certificatePaths.localhostKey, certificatePaths.localhostCert] : ['--no-tls'];
  const flags = files.filter((text) => text.startsWith('--'));
  const rest = files.filter((text) => !text.startsWith('--'));
  const args = ['-a', '127.0.0.1', '-d', join(folder, 'files'), ...options, ...flags, String(port), ...rest];
  await startServer(t, port, 'nghttpd', args);
  return startGateway(t, `${isSecure ? 'https' : 'http'}://localhost:${port}`);
}

async function fetchWhole(port: number, path: string, body?: Buffer): Promise<Buffer> {
  const sent = request({ host: '127.0.0.1', port, path, method: body === undefined ? 'GET' : 'POST', agent: false });
  sent.end(body);
  const [answer] = await once(sent, 'response');
  assert.equal(answer.statusCode, 200);
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

for (const isSecure of [true, false]) {
  const name = isSecure ? 'nghttpd with TLS' : 'nghttpd with prior knowledge';

  test(`${name} gives a large file whole`, needs('nghttpd'), async (t) => {
    const gateway = await startNghttpd(t, isSecure);
    assert.ok((await fetchWhole(gateway.port(), '/large')).equals(large));
  });

  test(`${name} gives a large request back whole`, needs('nghttpd'), async (t) => {
    const gateway = await startNghttpd(t, isSecure, ['--echo-upload']);
    assert.ok((await fetchWhole(gateway.port(), '/', large)).equals(large));
  });

  test(`${name} answers many requests over the few streams that it allows`, needs('nghttpd'), async (t) => {
    const gateway = await startNghttpd(t, isSecure, ['-m', '3']);
    const answers = await Promise.all(Array.from({ length: 60 }, () => ask(gateway.port(), '/small')));
    assert.ok(answers.every(({ status, body }) => status === 200 && body === 'small'));
  });
}

test('nghttpd may answer before it has the whole request', needs('nghttpd'), async (t) => {
  const gateway = await startNghttpd(t, false, ['--early-response']);
  const { status } = await ask(gateway.port(), '/nowhere', { method: 'POST', body: 'x'.repeat(100_000) });
  assert.equal(status, 404);
});

/** nginx that says goodbye after a few requests on each connection. */
async function startNginx(t: TestContext, isSecure: boolean): Promise<TestGateway> {
  const [folder, port] = [await makeFolder(t), await freePort()];
  const tls = `ssl_certificate ${certificatePaths.localhostCert}; ssl_certificate_key ${certificatePaths.localhostKey};`;
  await writeFile(
    join(folder, 'nginx.conf'),
    `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log warn;
events { worker_connections 256; }
http {
  access_log off; keepalive_requests 10; http2_max_concurrent_streams 8; client_max_body_size 20m;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${port} http2 ${isSecure ? 'ssl' : ''}; ${isSecure ? tls : ''} root ${folder}/files; }
}`,
  );
  await startServer(t, port, 'nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')]);
  return startGateway(t, `${isSecure ? 'https' : 'http'}://localhost:${port}`);
}

for (const isSecure of [true, false]) {
  test(
    `no request is lost at an nginx that goes away every few requests, ${isSecure ? 'with' : 'without'} TLS`,
    needs('nginx'),
    async (t) => {
      const gateway = await startNginx(t, isSecure);
      for (let round = 0; round < 5; round++) {
        const answers = await Promise.all(Array.from({ length: 40 }, () => ask(gateway.port(), '/small')));
        assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${body}`)), new Set(['200 small']));
      }
      assert.ok((await fetchWhole(gateway.port(), '/large')).equals(large));
    },
  );
}
