/**
 * Conformance with RFC 9113 and RFC 7541, asked by h2spec over TLS and with prior knowledge. What it finds is compared with
 * a list, in both directions: a case that starts to pass has to leave it.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { certificatePaths } from '#test/support/certificates.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const MODULE = 'github.com/summerwind/h2spec/cmd/h2spec@v2.2.1+incompatible';
const folder = join(import.meta.dirname, '../../node_modules/.cache/h2spec');
const program = join(folder, 'h2spec');

const toolchain = (process.env['PATH'] ?? '')
  .split(delimiter)
  .concat('/usr/local/go/bin')
  .map((path) => join(path, 'go'))
  .find((path) => existsSync(path));

/** Why cases fail. */
const withoutTls: Readonly<Record<string, string>> = {
  'http2/3.5 Sends invalid connection preface':
    'the same port speaks HTTP/1.1, which answers 400 to what is neither the preface nor a request',
};

/** Builds h2spec once; the folder goes with the dependencies. */
async function build(): Promise<void> {
  if (existsSync(program)) return;
  await mkdir(folder, { recursive: true });
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' };
  await new Promise<void>((resolve, reject) => {
    execFile(toolchain!, ['install', MODULE], { env, timeout: 180_000 }, (error, _stdout, stderr) =>
      error === null ? resolve() : reject(new Error(`h2spec cannot be built: ${stderr}`)),
    );
  });
}

/** The names of the cases that fail. */
async function findFailures(t: TestContext, args: readonly string[]): Promise<string[]> {
  const report = join(await makeFolder(t), 'report.xml');
  await new Promise<void>((resolve) => {
    // It ends with a failure when a case fails; the report says more.
    execFile(program, ['-h', '127.0.0.1', '-o', '1', '-j', report, ...args], { timeout: 100_000 }, () => resolve());
  });
  const text = await readFile(report, 'utf8');
  const cases = [...text.matchAll(/<testcase package="([^"]*)" classname="([^"]*)"[^>]*>\s*(<failure|<error)?/g)];
  assert.ok(cases.length > 140, `${cases.length} cases were run`);
  return cases.filter((match) => match[3] !== undefined).map((match) => `${match[1]} ${match[2]}`);
}

/** Some cases look at streams whose answer has not come yet, so it must not come at once. */
async function startSlowUpstream(t: TestContext): Promise<string> {
  const server = createServer((_request, response) => void setTimeout(() => response.end('hello'), ANSWER_DELAY_MS));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const ANSWER_DELAY_MS = 50;

const skip = toolchain === undefined && 'there is no Go toolchain to build h2spec with';

for (const [name, isSecure, expected] of [
  ['over TLS', true, {}],
  ['with prior knowledge', false, withoutTls],
] as const) {
  test(`HTTP/2 ${name} passes all cases of h2spec but those that are named here`, { skip, timeout: 300_000 }, async (t) => {
    await build();
    const { localhostCert: cert, localhostKey: key } = certificatePaths;
    const tls = isSecure ? { tls: { certificates: [{ cert, key }] } } : {};
    const gateway = await startTestGateway({
      listeners: { web: { address: '127.0.0.1:0', ...tls } },
      services: { slow: { endpoints: [await startSlowUpstream(t)] } },
      routes: { all: { match: { path: '/*' }, to: 'slow' } },
    });
    t.after(() => gateway.stop());
    const failures = await findFailures(t, ['-p', String(gateway.port()), ...(isSecure ? ['-t', '-k'] : [])]);
    assert.deepEqual(failures.toSorted(), Object.keys(expected).toSorted());
  });
}
