/** Ordered certificates and what is told of certificates, in a gateway whose authority is not there. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import { toAcmeFile } from '#config/acme-files.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';
import { issueCertificate } from '#test/support/issued-certificates.ts';
import { MovedClock } from '#test/support/moved-clock.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const DAY_MS = 86_400_000;
const PATIENCE_MS = 30_000;
/** Nobody listens there. */
const directory = 'https://127.0.0.1:9/directory';
const routes: GatewayInput['routes'] = {
  all: { match: { path: '/*' }, to: { respond: { text: 'the route' } } },
};
const listeners: GatewayInput['listeners'] = {
  web: { address: '127.0.0.1:0' },
  secure: { address: '127.0.0.1:0', tls: { certificates: [{ acme: ['a.example.com'] }] }, http2: false },
};

/** Which certificate a client meets. */
function fingerprintOf(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername: 'a.example.com', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()!.fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function setChallenges({ control }: TestGateway, http: Readonly<Record<string, string>>): void {
  control.plane?.setChallenges({ http, tlsAlpn: {} });
  control.pool?.setChallenges({ http, tlsAlpn: {} });
}

async function start(t: TestContext, input: Partial<GatewayInput>, threads = 0, clock = new MovedClock()): Promise<TestGateway> {
  const gateway = await startTestGateway({ accessLog: false, ...input }, { clock, threads });
  t.after(() => gateway.stop());
  return gateway;
}

for (const threads of [0, 2]) {
  test(`shows challenges before any route, and nothing to others, with ${threads} data threads`, async (t) => {
    const gateway = await start(t, { routes }, threads);
    setChallenges(gateway, { 'token-1': 'token-1.thumbprint' });
    const get = async (path: string, method = 'GET') => (await ask(gateway.port(), path, { method })).body;
    /** Threads hear of it each in its time, and take turns: so many in a row hardly come unless all know. */
    const untilAll = async (expected: string) => {
      const givesUpMs = performance.now() + PATIENCE_MS;
      for (let same = 0; same < 8; ) {
        const body = await get('/.well-known/acme-challenge/token-1');
        same = body === expected ? same + 1 : 0;
        if (same === 0 && performance.now() > givesUpMs) assert.equal(body, expected);
      }
    };
    await untilAll('token-1.thumbprint');
    assert.equal(await get('/.well-known/acme-challenge/token-2'), 'the route');
    assert.equal(await get('/.well-known/acme-challenge/'), 'the route');
    assert.equal(await get('/.well-known/acme-challenge/token-1', 'POST'), 'the route');
    setChallenges(gateway, {});
    await untilAll('the route');
  });
}

test('a data thread that starts later knows the challenges too', async (t) => {
  const gateway = await start(t, { routes }, 1);
  setChallenges(gateway, { 'token-1': 'token-1.thumbprint' });
  const [thread] = gateway.control.pool!.threadIds;
  await gateway.control.pool!.kill(thread!);
  const { body } = await untilAnswered(gateway.port());
  assert.equal(body, 'token-1.thumbprint');
});

/** The answer of the thread that takes the place of the one before. */
async function untilAnswered(port: number): ReturnType<typeof ask> {
  for (;;) {
    const answer = await ask(port, '/.well-known/acme-challenge/token-1').catch(() => undefined);
    if (answer !== undefined) return answer;
  }
}

test('takes a certificate that somebody else put into the store, and open connections stay', async (t) => {
  const store = join(await makeFolder(t), 'acme');
  const gateway = await start(t, { listeners, routes, acme: { directory, store } });
  const before = await fingerprintOf(gateway.port('secure'));
  const open = connect({ port: gateway.port('secure'), host: '127.0.0.1', rejectUnauthorized: false });
  await new Promise((resolve) => open.once('secureConnect', resolve));

  const { cert, key } = await issueCertificate(['a.example.com'], new MovedClock().wallMs(), 90);
  const file = toAcmeFile({ store, directory }, ['a.example.com']);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${key}${cert}`);
  await eventually(() => gateway.events.some(({ message }) => message === 'certificates applied'), 'it is in the log');
  assert.notEqual(await fingerprintOf(gateway.port('secure')), before);
  open.write('GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n');
  assert.match(String(await new Promise<unknown>((resolve) => open.once('data', resolve))), /the route$/);
  open.destroy();
});

test('what cannot be used beside an ordered certificate that has changed is said in the log, and all stays as it is', async (t) => {
  const folder = await makeFolder(t);
  const store = join(folder, 'acme');
  const own = await issueCertificate(['own.example.com'], new MovedClock().wallMs(), 90);
  const paths = { cert: join(folder, 'own.pem'), key: join(folder, 'own.key') };
  await Promise.all([writeFile(paths.cert, own.cert), writeFile(paths.key, own.key)]);
  const both = { address: '127.0.0.1:0', tls: { certificates: [{ acme: ['a.example.com'] }, paths] } };
  const gateway = await start(t, { listeners: { ...listeners, secure: both }, routes, acme: { directory, store } });
  const before = await fingerprintOf(gateway.port('secure'));
  await writeFile(paths.cert, 'nothing');
  const { cert, key } = await issueCertificate(['a.example.com'], new MovedClock().wallMs(), 90);
  const file = toAcmeFile({ store, directory }, ['a.example.com']);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${key}${cert}`);
  const find = () => gateway.events.find(({ message }) => message === 'certificates could not be applied');
  await eventually(() => find() !== undefined, 'it is in the log');
  assert.equal(
    find()!.fields?.['reason'],
    `listeners.secure.tls.certificates[1].cert: the certificate ${paths.cert} is not a certificate in PEM form`,
  );
  assert.equal(await fingerprintOf(gateway.port('secure')), before);
});

test('an authority that cannot be reached is said in the log, and the listener serves', async (t) => {
  const store = join(await makeFolder(t), 'acme');
  const gateway = await start(t, { listeners, routes, acme: { directory, store } });
  await eventually(
    () => gateway.events.some(({ message }) => message === 'certificate could not be ordered'),
    'it is in the log',
  );
  const { level, fields } = gateway.events.find(({ message }) => message === 'certificate could not be ordered')!;
  assert.equal(level, 'error');
  assert.match(String(fields?.['problem']), /ECONNREFUSED/);
  assert.equal(typeof (await fingerprintOf(gateway.port('secure'))), 'string');
});

test('tells Prometheus when certificates expire', async (t) => {
  const fromMs = Date.UTC(2026, 0, 1);
  const folder = await makeFolder(t);
  const { cert, key } = await issueCertificate(['a.example.com', 'b.example.com'], fromMs, 3_650);
  await writeFile(join(folder, 'a.pem'), cert);
  await writeFile(join(folder, 'a.key'), key);
  const gatehouse = await GatehouseProcess.start(
    t,
    {
      admin: { address: '127.0.0.1:0' },
      listeners: {
        web: { address: '127.0.0.1:0' },
        secure: { address: '127.0.0.1:0', tls: { certificates: [{ cert: 'a.pem', key: 'a.key' }] } },
      },
    },
    { folder },
  );
  const { status, headers, body } = await ask(await gatehouse.untilListening('admin'), '/metrics');
  assert.deepEqual([status, headers['content-type']], [200, 'text/plain; version=0.0.4']);
  const value = fromMs / 1000 + 3_650 * 86_400;
  assert.match(
    body,
    new RegExp(`^gatehouse_certificate_expiry_seconds\\{listener="secure",name="a\\.example\\.com"\\} ${value}$`, 'm'),
  );
});

test('warns of a certificate that expires soon', async (t) => {
  const folder = await makeFolder(t);
  const { cert, key } = await issueCertificate(['a.example.com'], new MovedClock().wallMs() - 80 * DAY_MS, 90);
  await writeFile(join(folder, 'a.pem'), cert);
  await writeFile(join(folder, 'a.key'), key);
  const certificates = [{ cert: join(folder, 'a.pem'), key: join(folder, 'a.key') }];
  const gateway = await start(t, { listeners: { web: { address: '127.0.0.1:0', tls: { certificates } } } });
  await eventually(() => gateway.events.some(({ message }) => message === 'certificate expires soon'), 'it is in the log');
  const { level, fields } = gateway.events.find(({ message }) => message === 'certificate expires soon')!;
  assert.equal(level, 'warn');
  assert.partialDeepStrictEqual(fields, { listener: 'web', names: ['a.example.com'], daysLeft: 9, source: 'file' });
});
