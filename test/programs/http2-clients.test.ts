// Clients of HTTP/2 that others have written: curl, nghttp and h2load, over TLS and with prior knowledge.
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { certificatePaths } from '#test/support/certificates.ts';
import { needs, run } from '#test/support/programs.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const LARGE_BYTES = 5_000_000;

interface Place {
  readonly gateway: TestGateway;
  readonly folder: string;
  url(path: string): string;
}

async function start(t: TestContext, isSecure: boolean): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-http2-clients-'));
  const upstream = createServer((request, response) => {
    if (request.url === '/large') return void response.end(Buffer.alloc(LARGE_BYTES, 'x'));
    response.setHeader('x-method', request.method ?? '');
    request.pipe(response);
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  const tls = { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] };
  const gateway = await startTestGateway({
    listeners: { web: { address: '127.0.0.1:0', ...(isSecure && { tls }) } },
    services: { main: { endpoints: [`http://127.0.0.1:${(upstream.address() as AddressInfo).port}`] } },
    routes: {
      all: { match: { path: '/*' }, to: 'main' },
      local: { match: { path: '/local' }, to: { respond: { status: 200, text: 'local' } } },
    },
  });
  t.after(async () => {
    await gateway.stop();
    upstream.closeAllConnections();
    upstream.close();
    await rm(folder, { recursive: true });
  });
  return { gateway, folder, url: (path) => `${isSecure ? 'https' : 'http'}://localhost:${gateway.port()}${path}` };
}

for (const isSecure of [true, false]) {
  const how = isSecure ? 'over TLS' : 'with prior knowledge';

  test(`curl ${how} gets, heads and sends`, needs('curl'), async (t) => {
    const { url, folder } = await start(t, isSecure);
    const got = await curl(isSecure, '-w', ' %{http_code} %{http_version}', url('/local'));
    assert.equal(got.stdout.toString(), 'local 200 2');
    const head = await curl(isSecure, '-I', url('/large'));
    assert.match(head.stdout.toString(), /^HTTP\/2 200 \r\n/);
    const file = join(folder, 'upload');
    const upload = Buffer.alloc(LARGE_BYTES, 'a large upload ');
    await writeFile(file, upload);
    const answer = join(folder, 'answer');
    const sent = await curl(isSecure, '-T', file, '-o', answer, '-D', '-', url('/upload'));
    assert.match(sent.stdout.toString(), /^x-method: PUT\r$/m);
    assert.ok((await readFile(answer)).equals(upload));
    // Asks for leave first, and does not know the length.
    const piped = await curl(
      isSecure,
      ...['-T', file, '-H', 'content-length:', '-H', 'expect: 100-continue'],
      '-o',
      answer,
      url('/upload'),
    );
    assert.equal(piped.status, 0, piped.stderr);
    assert.ok((await readFile(answer)).equals(upload));
  });

  test(`nghttp ${how} sends and gets`, needs('nghttp'), async (t) => {
    const { url, folder } = await start(t, isSecure);
    const file = join(folder, 'upload');
    await writeFile(file, 'what nghttp sends');
    const known = isSecure ? ['--no-verify-peer'] : [];
    const sent = await run('nghttp', [...known, '-d', file, url('/upload')]);
    assert.equal(sent.stdout.toString(), 'what nghttp sends');
    const verbose = await run('nghttp', [...known, '-nv', '-H', 'te: trailers', url('/local'), url('/large')]);
    assert.match(verbose.stdout.toString(), /:status: 200/);
    assert.doesNotMatch(verbose.stdout.toString(), /RST_STREAM|error_code=(?!NO_ERROR)/);
  });

  test(`h2load ${how} gets thousands of answers over few connections`, needs('h2load'), async (t) => {
    const { url } = await start(t, isSecure);
    for (const [path, count, streams] of [
      ['/local', 3_000, 128],
      ['/forwarded', 3_000, 100],
    ] as const) {
      const { stdout } = await run('h2load', ['-n', `${count}`, '-c', '3', '-m', `${streams}`, url(path)]);
      assert.match(stdout.toString(), new RegExp(`${count} succeeded, 0 failed, 0 errored`), stdout.toString());
      assert.match(stdout.toString(), new RegExp(`status codes: ${count} 2xx`));
    }
  });
}

// Without TLS, curl 7.88 fails at this whatever server it asks.
test('curl over TLS gets many large answers at a time, each whole', needs('curl'), async (t) => {
  const { url } = await start(t, true);
  const urls = Array.from({ length: 10 }, () => ['-o', '/dev/null', url('/large')]).flat();
  const { stdout, status } = await curl(true, '-Z', '-w', '%{size_download} %{http_version}\n', ...urls);
  assert.equal(status, 0);
  assert.equal(stdout.toString(), `${LARGE_BYTES} 2\n`.repeat(10));
});

function curl(isSecure: boolean, ...args: readonly string[]): ReturnType<typeof run> {
  const version = isSecure ? ['--http2', '--cacert', certificatePaths.authority] : ['--http2-prior-knowledge'];
  return run('curl', ['-sS', '--ipv4', ...version, ...args]);
}
