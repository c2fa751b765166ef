/** Certificates ordered from a real ACME authority by a real gateway. */
import assert from 'node:assert/strict';
import type { X509Certificate } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect } from 'node:tls';
import type { GatewayInput } from '#config/define-gateway.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';
import { issueCertificate } from '#test/support/issued-certificates.ts';
import { MovedClock } from '#test/support/moved-clock.ts';
import { findFreePort, startPebble } from '#test/support/pebble.ts';
import { needs } from '#test/support/programs.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const DAY_MS = 86_400_000;
const PATIENCE_MS = 20_000;
const NAMES = ['shop.example.com', 'www.shop.example.com', 'api.example.com'];

interface Setting {
  readonly challenge?: 'http-01' | 'tls-alpn-01';
  readonly certificates?: readonly (readonly string[])[];
  readonly externalAccounts?: Readonly<Record<string, string>>;
  readonly acme?: Partial<NonNullable<GatewayInput['acme']>>;
}

/** Pebble, and a configuration whose listeners stand where it looks. */
async function startWithPebble(t: TestContext, setting: Setting = {}) {
  const [web, secure] = [await findFreePort(), await findFreePort()];
  const { challenge = 'http-01', certificates = [['shop.example.com']], externalAccounts, acme } = setting;
  const pebble = await startPebble(t, {
    httpPort: web,
    tlsPort: secure,
    names: NAMES,
    ...(externalAccounts !== undefined && { externalAccounts }),
  });
  const store = join(await makeFolder(t), 'acme');
  const configuration: Partial<GatewayInput> = {
    listeners: {
      web: { address: `127.0.0.1:${web}` },
      secure: { address: `127.0.0.1:${secure}`, tls: { certificates: certificates.map((names) => ({ acme: [...names] })) } },
    },
    acme: { directory: pebble.directory, ca: pebble.ca, store, email: 'ops@example.com', challenge, ...acme },
  };
  return { pebble, configuration, secure, store };
}

async function startGateway(
  t: TestContext,
  configuration: Partial<GatewayInput>,
  clock = new MovedClock(),
): Promise<TestGateway> {
  const gateway = await startTestGateway(configuration, { clock });
  t.after(() => gateway.stop());
  return gateway;
}

/** The event of that message, when it has come that often. */
async function eventOf(gateway: TestGateway, message: string, count = 1) {
  await new Promise<void>((resolve, reject) => {
    const find = () => gateway.events.filter((event) => event.message === message).length >= count;
    const end = (action: () => void) => {
      clearInterval(timer);
      clearTimeout(deadline);
      action();
    };
    const timer = setInterval(() => find() && end(resolve), 20);
    const deadline = setTimeout(
      () => end(() => reject(new Error(`no ${message}: ${JSON.stringify(gateway.events)}`))),
      PATIENCE_MS,
    );
  });
  return gateway.events.filter((event) => event.message === message)[count - 1]!;
}

/** The certificate that a client meets who asks for a host. */
function certificateOf(port: number, servername = 'shop.example.com'): Promise<X509Certificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate()!);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

for (const challenge of ['http-01', 'tls-alpn-01'] as const) {
  for (const threads of [0, 2]) {
    test(`orders by ${challenge} and serves, with ${threads} data threads`, needs('pebble'), async (t) => {
      const { configuration, secure } = await startWithPebble(t, { challenge });
      const gateway = await GatehouseProcess.start(t, { ...configuration, threads });
      const issued = await gateway.nextEvent('certificate was issued');
      assert.deepEqual(issued['names'], ['shop.example.com']);
      await gateway.nextEvent('certificates applied');
      const certificate = await certificateOf(secure);
      assert.match(certificate.issuer, /^CN=Pebble Intermediate CA/);
      assert.equal(certificate.subjectAltName, 'DNS:shop.example.com');
    });
  }
}

test('serves a temporary certificate until then', needs('pebble'), async (t) => {
  const { configuration, secure } = await startWithPebble(t, { acme: { directory: 'https://127.0.0.1:9/directory' } });
  await startGateway(t, configuration);
  const certificate = await certificateOf(secure);
  assert.equal(certificate.issuer, 'CN=Gatehouse temporary certificate');
  assert.equal(certificate.subjectAltName, 'DNS:shop.example.com');
});

test('orders several names in one certificate, and several certificates', needs('pebble'), async (t) => {
  const certificates = [['shop.example.com', 'www.shop.example.com'], ['api.example.com']];
  const { configuration, secure } = await startWithPebble(t, { certificates });
  const gateway = await startGateway(t, configuration);
  await eventOf(gateway, 'certificates applied', 2);
  const [www, api] = [await certificateOf(secure, 'www.shop.example.com'), await certificateOf(secure, 'api.example.com')];
  assert.deepEqual(
    [www.subjectAltName, api.subjectAltName],
    ['DNS:shop.example.com, DNS:www.shop.example.com', 'DNS:api.example.com'],
  );
  assert.equal(www.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
});

test('keeps account, keys and certificates where nobody else can read them, and uses them again', needs('pebble'), async (t) => {
  const { configuration, secure, store, pebble } = await startWithPebble(t);
  const first = await startGateway(t, configuration);
  await eventOf(first, 'certificates applied');
  await first.stop();
  const paths = await readdir(store, { recursive: true, withFileTypes: true });
  for (const entry of paths) {
    const mode = (await stat(join(entry.parentPath, entry.name))).mode & 0o777;
    assert.equal(mode, entry.isDirectory() ? 0o700 : 0o600, entry.name);
  }
  const files = paths.filter((entry) => entry.isFile()).map(({ name }) => name.replace(/-[0-9a-f]{12}/, ''));
  assert.deepEqual(files.sort(), ['account.json', 'account.key', 'shop.example.com.pem']);

  const accounts = () => pebble.log().match(/There are now \d+ accounts in memory/g)?.length;
  const before = accounts();
  const second = await startGateway(t, configuration);
  assert.match((await certificateOf(secure)).issuer, /^CN=Pebble/);
  // Somebody throws the certificate away: it is ordered anew, by the same account.
  const [certificate] = paths.filter(({ name }) => name.endsWith('.pem'));
  await rm(join(certificate!.parentPath, certificate!.name));
  await eventOf(second, 'certificates applied');
  assert.equal(accounts(), before);
});

test('renews at two thirds of the life without touching connections', needs('pebble'), async (t) => {
  const { configuration, secure } = await startWithPebble(t);
  const clock = new MovedClock();
  const gateway = await startGateway(t, configuration, clock);
  await eventOf(gateway, 'certificates applied');
  const first = await certificateOf(secure);
  const open = connect({ port: secure, host: '127.0.0.1', servername: 'shop.example.com', rejectUnauthorized: false });
  await new Promise((resolve) => open.once('secureConnect', resolve));

  const lifeMs = first.validToDate.getTime() - first.validFromDate.getTime();
  const gone = new Promise((resolve) => open.once('close', resolve));
  // Just before it is due nothing happens; the request shows that the connection lives.
  open.write('GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n');
  const answer = await new Promise<unknown>((resolve) => open.once('data', resolve));
  assert.match(String(answer), /^HTTP\/1\.1 404 /);
  clock.advance((lifeMs * 2) / 3 + DAY_MS / 24);
  await eventOf(gateway, 'certificates applied', 2);
  const second = await certificateOf(secure);
  assert.notEqual(second.fingerprint256, first.fingerprint256);
  open.destroy();
  await gone;
});

test('binds the account to one that was made elsewhere', needs('pebble'), async (t) => {
  const hmacKey = 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W';
  const externalAccounts = { 'kid-1': hmacKey };
  const { configuration, secure, store } = await startWithPebble(t, {
    externalAccounts,
    acme: { externalAccount: { keyId: 'kid-1', hmacKey } },
  });
  const gateway = await startGateway(t, configuration);
  await eventOf(gateway, 'certificates applied');
  assert.match((await certificateOf(secure)).issuer, /^CN=Pebble/);
  const [account] = (await readdir(store, { recursive: true })).filter((name) => name.endsWith('account.json'));
  assert.equal(JSON.parse(await readFile(join(store, account!), 'utf8')).externalKeyId, 'kid-1');
});

test('says what the authority has against the account', needs('pebble'), async (t) => {
  const externalAccounts = { 'kid-1': 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W' };
  const { configuration } = await startWithPebble(t, { externalAccounts });
  const gateway = await startGateway(t, configuration);
  const { level, fields } = await eventOf(gateway, 'certificate could not be ordered');
  assert.equal(level, 'error');
  assert.match(String(fields?.['problem']), /externalAccountRequired/);
});

test('says what the authority met where it looked for a name', needs('pebble'), async (t) => {
  const { configuration } = await startWithPebble(t, { certificates: [['nowhere.example.com']] });
  const gateway = await startGateway(t, configuration);
  const { fields } = await eventOf(gateway, 'certificate could not be ordered');
  assert.match(String(fields?.['problem']), /^nowhere\.example\.com: /);
});

test('two gateways that share a store order once, and both serve the certificate', needs('pebble'), async (t) => {
  const { configuration, secure, pebble } = await startWithPebble(t);
  const other = await findFreePort();
  const second: Partial<GatewayInput> = {
    ...configuration,
    listeners: {
      web: { address: `127.0.0.1:${await findFreePort()}` },
      secure: { address: `127.0.0.1:${other}`, tls: { certificates: [{ acme: ['shop.example.com'] }] } },
    },
  };
  const gateways = await Promise.all([startGateway(t, configuration), startGateway(t, second)]);
  await Promise.all(gateways.map((gateway) => eventOf(gateway, 'certificates applied')));
  const [one, two] = [await certificateOf(secure), await certificateOf(other)];
  assert.match(one.issuer, /^CN=Pebble/);
  assert.equal(one.fingerprint256, two.fingerprint256);
  assert.equal(pebble.log().match(/Issued certificate serial/g)?.length, 1);
});

for (const challenge of ['http-01', 'tls-alpn-01'] as const) {
  test(`the authority may reach another gateway than the one that orders by ${challenge}`, needs('pebble'), async (t) => {
    const { configuration } = await startWithPebble(t, { challenge });
    const { web, secure } = configuration.listeners!;
    const { cert, key } = await issueCertificate(['other.example.com'], new MovedClock().wallMs(), 1);
    const folder = await makeFolder(t);
    const files = { cert: join(folder, 'other.pem'), key: join(folder, 'other.key') };
    await Promise.all([writeFile(files.cert, cert), writeFile(files.key, key)]);
    // Where the authority looks: a gateway that orders nothing and shares the store.
    await startGateway(t, {
      ...configuration,
      listeners: { web: web!, secure: { ...secure!, tls: { certificates: [files] } } },
    });
    const elsewhere = await findFreePort();
    const gateway = await startGateway(t, {
      ...configuration,
      listeners: { web: { address: '127.0.0.1:0' }, secure: { ...secure!, address: `127.0.0.1:${elsewhere}` } },
    });
    await eventOf(gateway, 'certificates applied');
    assert.match((await certificateOf(elsewhere)).issuer, /^CN=Pebble/);
  });
}
