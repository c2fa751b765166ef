import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { certificatePaths } from '#test/support/certificates.ts';
import { startGatewayFor } from '#test/support/forwarding.ts';
import { freePorts, makeFolder, startServer } from '#test/support/program-server.ts';
import { needs } from '#test/support/programs.ts';

const file = Buffer.alloc(5 * 1024 * 1024 + 3, 'a static file ');

interface Nginx {
  readonly port: number;
  readonly securePort: number;
}

/** nginx that serves a file, echoes requests in fields, and closes idle connections after a second. */
function toConfiguration(folder: string, { port, securePort }: Nginx): string {
  return `
daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log warn;
events { worker_connections 256; }
http {
  access_log off; keepalive_timeout 65; client_max_body_size 1k;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  default_type application/octet-stream;
  gzip on; gzip_types text/css; gzip_min_length 1; gzip_http_version 1.0; gzip_proxied any;
  types { text/css css; }
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${securePort} ssl;
    ssl_certificate ${certificatePaths.localhostCert}; ssl_certificate_key ${certificatePaths.localhostKey};
    root ${folder}/files;
    location = /echo { add_header x-seen-host $http_host; add_header x-seen-via $http_via; return 200 "echo\\n"; }
    location = /gone { return 410; }
    location = /drop { return 444; }
    location = /short { keepalive_timeout 0; return 200 "short\\n"; }
  }
}`;
}

async function startNginx(t: TestContext): Promise<Nginx> {
  const folder = await makeFolder(t);
  await mkdir(join(folder, 'files'));
  await writeFile(join(folder, 'files', 'large'), file);
  await writeFile(join(folder, 'files', 'style.css'), 'a { color: red }\n'.repeat(1000));
  const [port, securePort] = (await freePorts(2)) as [number, number];
  await startServer(t, { program: 'nginx', folder, configuration: toConfiguration(folder, { port, securePort }), port });
  return { port, securePort };
}

async function start(t: TestContext, options: { isSecure?: boolean } = {}): Promise<string> {
  const { port, securePort } = await startNginx(t);
  const gateway = await startGatewayFor(t, {
    service: options.isSecure
      ? { endpoints: [`https://localhost:${securePort}`], tls: { ca: certificatePaths.authority } }
      : { endpoints: [`http://127.0.0.1:${port}`] },
  });
  return `http://127.0.0.1:${gateway.port()}`;
}

const sumOf = (bytes: ArrayBuffer | Buffer) =>
  createHash('sha256')
    .update(Buffer.from(bytes as ArrayBuffer))
    .digest('hex');

for (const isSecure of [false, true]) {
  test(
    `nginx as upstream, ${isSecure ? 'TLS' : 'plain'}: a file comes whole, in part, and not again when it is known`,
    needs('nginx'),
    async (t) => {
      const url = await start(t, { isSecure });
      const whole = await fetch(`${url}/large`);
      assert.equal(sumOf(await whole.arrayBuffer()), sumOf(file));
      assert.equal(whole.headers.get('content-length'), `${file.length}`);
      const part = await fetch(`${url}/large`, { headers: { range: 'bytes=100-199' } });
      assert.equal(part.status, 206);
      assert.ok(Buffer.from(await part.arrayBuffer()).equals(file.subarray(100, 200)));
      const known = await fetch(`${url}/large`, { headers: { 'if-none-match': whole.headers.get('etag')! } });
      assert.equal(known.status, 304);
      assert.equal(await known.text(), '');
      const head = await fetch(`${url}/large`, { method: 'HEAD' });
      assert.equal(head.headers.get('content-length'), `${file.length}`);
    },
  );
}

test('nginx as upstream: a compressed answer of unknown length', needs('nginx'), async (t) => {
  const url = await start(t);
  const answer = await fetch(`${url}/style.css`, { headers: { 'accept-encoding': 'gzip' } });
  assert.equal(answer.headers.get('content-encoding'), 'gzip');
  assert.equal(answer.headers.get('content-length'), null);
  assert.equal(await answer.text(), 'a { color: red }\n'.repeat(1000));
});

test('nginx as upstream: it sees the host of the client and who stands between', needs('nginx'), async (t) => {
  const url = await start(t);
  const answer = await fetch(`${url}/echo`);
  assert.equal(answer.headers.get('x-seen-host'), url.slice('http://'.length));
  assert.equal(answer.headers.get('x-seen-via'), '1.1 gatehouse');
  assert.equal(await answer.text(), 'echo\n');
});

test(
  'nginx as upstream: a body that is too large for it is refused by it, and the refusal reaches the client',
  needs('nginx'),
  async (t) => {
    const url = await start(t);
    const answer = await fetch(`${url}/echo`, { method: 'POST', body: Buffer.alloc(3 * 1024 * 1024) });
    assert.equal(answer.status, 413);
    assert.match(await answer.text(), /nginx/);
  },
);

test('nginx as upstream: connections that it closes without an answer, or at once after one', needs('nginx'), async (t) => {
  const url = await start(t);
  assert.equal((await fetch(`${url}/drop`)).status, 502);
  for (let i = 0; i < 3; i++) assert.equal(await (await fetch(`${url}/short`)).text(), 'short\n');
  assert.equal((await fetch(`${url}/gone`)).status, 410);
});

test('nginx as upstream: many requests at once', needs('nginx'), async (t) => {
  const url = await start(t);
  const answers = await Promise.all(Array.from({ length: 200 }, async () => (await fetch(`${url}/echo`)).text()));
  assert.deepEqual(new Set(answers), new Set(['echo\n']));
});
