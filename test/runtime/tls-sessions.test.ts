import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { certificatePaths } from '#test/support/certificates.ts';
import { GatehouseProcess, toFileText } from '#test/support/gatehouse-process.ts';

const ATTEMPTS = 60;
const RESUMED_MIN = Math.ceil(0.99 * ATTEMPTS);

interface Visit {
  readonly isResumed: boolean;
  readonly session: Buffer | undefined;
}

/** Asks once over a connection of its own. */
async function visit(port: number, options: ConnectionOptions): Promise<Visit> {
  const ca = await readFile(certificatePaths.authority);
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...options });
  let session: Buffer | undefined;
  socket.on('session', (given) => {
    session = given;
  });
  let isResumed = false;
  socket.on('secureConnect', () => {
    isResumed = socket.isSessionReused();
  });
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  socket.resume();
  await new Promise<void>((resolve, reject) => socket.once('close', () => resolve()).once('error', reject));
  return { isResumed, session };
}

async function countResumed(port: number, options: ConnectionOptions): Promise<number> {
  const { session } = await visit(port, options);
  assert.ok(session !== undefined, 'the gateway gives a session');
  let resumed = 0;
  for (let i = 0; i < ATTEMPTS; i++) if ((await visit(port, { ...options, session })).isResumed) resumed += 1;
  return resumed;
}

function toConfiguration(text: string) {
  const { localhostCert: cert, localhostKey: key } = certificatePaths;
  return {
    threads: 3,
    listeners: { web: { address: '127.0.0.1:0', tls: { certificates: [{ cert, key }] } } },
    routes: { all: { match: { path: '/*' }, to: { respond: { status: 200, text } } } },
  };
}

test('a session is resumed whichever data thread answers, and after a reload', async (t: TestContext) => {
  const gatehouse = await GatehouseProcess.start(t, toConfiguration('one'));
  const port = gatehouse.port();
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    const resumed = await countResumed(port, { minVersion: version, maxVersion: version });
    assert.ok(resumed >= RESUMED_MIN, `${version}: ${resumed} of ${ATTEMPTS}`);
  }
  const { session } = await visit(port, {});
  await writeFile(gatehouse.file, toFileText(toConfiguration('two')));
  await gatehouse.nextEvent('configuration applied');
  assert.equal((await visit(port, { ...(session && { session }) })).isResumed, true);
});
