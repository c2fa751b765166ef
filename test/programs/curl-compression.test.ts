/** What curl makes of answers that are compressed for it, and what becomes of bodies that it sends compressed. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startMatrixUpstream } from '#test/support/matrix.ts';
import { needs, run } from '#test/support/programs.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const text = Array.from({ length: 20_000 }, (_, i) => `line ${i}\n`).join('');

for (const version of ['--http1.1', '--http2-prior-knowledge']) {
  test(`curl ${version} unpacks what it has asked for, and its compressed body arrives`, needs('curl'), async (t) => {
    const service = await startMatrixUpstream(t, 'h1', async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      response.setHeader('content-type', 'text/plain');
      response.end(body.length === 0 ? text : body);
    });
    const gateway = await startTestGateway({
      services: { main: service },
      policies: { compress: {}, decompress: {} },
      routes: { all: { match: { path: '/*' }, to: 'main' } },
    });
    t.after(() => gateway.stop());
    const folder = await mkdtemp(join(tmpdir(), 'gatehouse-curl-'));
    t.after(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'body.gz');
    await writeFile(file, gzipSync(text));
    const curl = async (...args: readonly string[]) => {
      const url = `http://127.0.0.1:${gateway.port()}/`;
      const { status, stdout, stderr } = await run('curl', ['-sS', '--max-time', '60', version, ...args, url], {
        timeoutMs: 90_000,
      });
      assert.equal(status, 0, stderr);
      return stdout.toString('latin1');
    };
    assert.equal(await curl('--compressed'), text);
    for (const coding of ['gzip', 'br', 'zstd']) {
      const accepting = ['--compressed', '-H', `accept-encoding: ${coding}`];
      assert.equal(await curl(...accepting), text, coding);
      assert.match(await curl('-I', ...accepting), new RegExp(`\r\ncontent-encoding: ${coding}\r\n`, 'i'));
    }
    assert.equal(await curl('-H', 'content-encoding: gzip', '--data-binary', `@${file}`), text);
  });
}
