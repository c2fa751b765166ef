// Clients resume their sessions by tickets, on any data thread, and behind a change of the key.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { certificatePaths } from '#test/support/certificates.ts';
import { GatehouseProcess, toFileText } from '#test/support/gatehouse-process.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

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
    // Over TLS 1.2 the ticket is part of the handshake, and of one that is renewed there is no event.
    if (socket.getProtocol() === 'TLSv1.2') session = socket.getSession();
  });
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n');
  socket.resume();
  await new Promise<void>((resolve, reject) => socket.once('close', () => resolve()).once('error', reject));
  return { isResumed, session };
}

async function countResumed(port: number, options: ConnectionOptions): Promise<number> {
  const { session } = await visit(port, options);
  assert.ok(session !== undefined, 'the gateway gives a session');
  return countResumedBy(session, port, options);
}

async function countResumedBy(session: Buffer, port: number, options: ConnectionOptions): Promise<number> {
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

/** The same on all data threads when it resolves: what they are told comes to them in its order, and a reload is answered. */
async function changeKeys(gateway: TestGateway, present: Uint8Array, previous: Uint8Array | undefined): Promise<void> {
  gateway.control.pool!.setTicketKeys({ web: { present, previous } });
  assert.equal(await gateway.control.reload(), undefined);
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a ticket of the key before resumes and is renewed, one of the key before that does not (${version})`, async (t) => {
    const gateway = await startTestGateway(toConfiguration('one'), { threads: 3 });
    t.after(() => gateway.stop());
    const options = { minVersion: version, maxVersion: version };
    const [first, second, third] = [randomBytes(48), randomBytes(48), randomBytes(48)];
    await changeKeys(gateway, first, undefined);
    const { session: old } = await visit(gateway.port(), options);
    assert.ok(old !== undefined, 'the gateway gives a session');
    await changeKeys(gateway, second, first);
    const resumed = await countResumedBy(old, gateway.port(), options);
    assert.ok(resumed >= RESUMED_MIN, `${resumed} of ${ATTEMPTS}`);
    const { session: renewed } = await visit(gateway.port(), { ...options, session: old });
    assert.ok(renewed !== undefined, 'the session is renewed');
    await changeKeys(gateway, third, second);
    assert.equal((await visit(gateway.port(), { ...options, session: old })).isResumed, false);
    assert.equal((await visit(gateway.port(), { ...options, session: renewed })).isResumed, true);
  });

  test(`each time that a session is resumed the client gets a ticket for the next (${version})`, async (t) => {
    const gateway = await startTestGateway(toConfiguration('one'));
    t.after(() => gateway.stop());
    const options = { minVersion: version, maxVersion: version };
    let { session } = await visit(gateway.port(), options);
    const seen = new Set<string>();
    for (let count = 0; count < 5; count++) {
      assert.ok(session !== undefined && !seen.has(session.toString('hex')), 'the ticket is another one');
      seen.add(session.toString('hex'));
      const next = await visit(gateway.port(), { ...options, session });
      assert.equal(next.isResumed, true);
      session = next.session;
    }
  });

  test(`a ticket of another gateway makes a full handshake (${version})`, async (t) => {
    const gateway = await startTestGateway(toConfiguration('one'));
    t.after(() => gateway.stop());
    const options = { minVersion: version, maxVersion: version };
    const other = await startTestGateway(toConfiguration('one'));
    t.after(() => other.stop());
    const { session: foreign } = await visit(other.port(), options);
    assert.ok(foreign !== undefined, 'the other gateway gives a session');
    assert.equal((await visit(gateway.port(), { ...options, session: foreign })).isResumed, false);
  });
}

test('a gateway that is started again has keys for all its threads too', async (t) => {
  const gateway = await startTestGateway(toConfiguration('one'), { threads: 3 });
  t.after(() => gateway.stop());
  await gateway.control.drain();
  const started = await gateway.control.start();
  assert.ok('listening' in started);
  const { address } = started.listening[0]!;
  assert.ok('port' in address);
  const resumed = await countResumed(address.port, {});
  assert.ok(resumed >= RESUMED_MIN, `${resumed} of ${ATTEMPTS}`);
});
