import assert from 'node:assert/strict';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import { type ConnectionOptions, connect as connectTls, createServer, type TLSSocket } from 'node:tls';
import type { GatewayInput } from '#config/define-gateway.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { serverName, toRecords, writeHello } from '#test/support/client-hellos.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type TlsInput = NonNullable<GatewayInput['listeners'][string]['tls']>;

const localhost = { cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey };

/** A TLS server of its own that says its name and whom the client asked for. */
async function startBank(t: TestContext, name = 'bank'): Promise<string> {
  const server = createServer({ ...certificates.localhost, ALPNProtocols: ['bank'] }, (socket) => {
    socket.on('error', () => {
      // Clients leave as they like.
    });
    socket.write(`${name}: ${String(socket.servername)} ${String(socket.alpnProtocol)}\n`);
    socket.on('data', (bytes) => socket.end(`echo ${bytes.toString()}`));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return `tcp://127.0.0.1:${(server.address() as { port: number }).port}`;
}

interface Setting {
  readonly tls: TlsInput;
  readonly services: Readonly<Record<string, string>>;
  readonly listener?: Partial<GatewayInput['listeners'][string]>;
}

async function startGateway(t: TestContext, { tls, services, listener }: Setting): Promise<TestGateway> {
  const gateway = await startTestGateway({
    listeners: { web: { address: '127.0.0.1:0', tls, ...listener } },
    services: Object.fromEntries(Object.entries(services).map(([name, url]) => [name, { endpoints: [url] }])),
    routes: { told: { match: { path: '/' }, to: { respond: { text: 'gateway: ${host}' } } } },
  });
  t.after(() => gateway.stop());
  return gateway;
}

interface Asked {
  readonly text: string;
  readonly alpnProtocol: string | false | null;
}

/** Speaks TLS with the gateway, asks like HTTP, and returns what came until the first line's end or the end. */
async function ask(t: TestContext, gateway: TestGateway, options: ConnectionOptions): Promise<Asked> {
  const client: TLSSocket = connectTls({
    port: gateway.port(),
    host: '127.0.0.1',
    ca: certificates.authority,
    checkServerIdentity: () => undefined,
    ALPNProtocols: ['http/1.1', 'bank'],
    ...options,
  });
  t.after(() => client.destroy());
  await once(client, 'secureConnect');
  client.write(`GET / HTTP/1.1\r\nHost: ${String(options.servername ?? 'nobody')}\r\nConnection: close\r\n\r\n`);
  let text = '';
  client.on('data', (bytes) => {
    text += bytes.toString();
  });
  await once(client, 'end');
  return { text, alpnProtocol: client.alpnProtocol };
}

test('a host that is passed through speaks with its service, others with the gateway, on one port', async (t) => {
  const services = { bank: await startBank(t), iot: await startBank(t, 'iot') };
  const tls: TlsInput = {
    certificates: [localhost],
    passthrough: { 'bank.example.com': 'bank', '*.iot.example.com': 'iot' },
  };
  const gateway = await startGateway(t, { tls, services });
  const cases: [serverName: string | undefined, text: RegExp, alpn: string][] = [
    ['bank.example.com', /^bank: bank\.example\.com bank\necho GET \/ HTTP\/1\.1\r\n/, 'bank'],
    ['BANK.example.com', /^bank: BANK\.example\.com bank\necho /, 'bank'],
    ['a.b.iot.example.com', /^iot: a\.b\.iot\.example\.com bank\n/, 'bank'],
    ['iot.example.com', /gateway: iot\.example\.com$/, 'http/1.1'],
    ['localhost', /gateway: localhost$/, 'http/1.1'],
    [undefined, /gateway: nobody$/, 'http/1.1'],
  ];
  for (const [servername, text, alpn] of cases) {
    const asked = await ask(t, gateway, servername === undefined ? {} : { servername });
    assert.match(asked.text, text);
    assert.equal(asked.alpnProtocol, alpn);
  }
  const lines = await gateway.stop();
  const passed = lines.find(({ serverName: name }) => name === 'bank.example.com')!;
  assert.deepEqual(
    [passed['protocol'], passed['service'], passed['endpoint'], passed['code']],
    ['tcp', 'bank', services.bank, undefined],
  );
  assert.equal(lines.filter(({ protocol }) => protocol === 'tcp').length, 3);
});

test('TLS of every version and with resumption goes through untouched', async (t) => {
  const gateway = await startGateway(t, {
    tls: { certificates: [localhost], passthrough: { 'bank.example.com': 'bank' } },
    services: { bank: await startBank(t) },
  });
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    let session: Buffer | undefined;
    for (const isResumed of [false, true]) {
      const client = connectTls({
        port: gateway.port(),
        host: '127.0.0.1',
        servername: 'bank.example.com',
        ca: certificates.authority,
        checkServerIdentity: () => undefined,
        minVersion: version,
        maxVersion: version,
        ...(session && { session }),
      });
      client.on('session', (fresh: Buffer) => {
        session = fresh;
      });
      client.write('x');
      let text = '';
      client.on('data', (bytes) => {
        text += bytes.toString();
      });
      await once(client, 'end');
      assert.deepEqual([client.getProtocol(), client.isSessionReused()], [version, isResumed]);
      assert.match(text, /^bank: .* false\necho x$/);
    }
  }
});

test('a certificate that names a host more exactly ends its TLS; between equals the host is passed through', async (t) => {
  const services = { wild: await startBank(t, 'wild'), exact: await startBank(t, 'exact') };
  const gateway = await startGateway(t, {
    tls: {
      certificates: [{ ...localhost, hosts: ['shop.example.com', '*.example.com', 'same.example.com'] }],
      passthrough: { '*.example.com': 'wild', 'same.example.com': 'exact', '*.com': 'wild' },
    },
    services,
  });
  const cases: [servername: string, text: RegExp][] = [
    ['shop.example.com', /gateway: shop\.example\.com$/],
    ['same.example.com', /^exact: /],
    ['other.example.com', /^wild: /],
    ['a.b.example.com', /^wild: /],
    ['elsewhere.com', /^wild: /],
    ['elsewhere.org', /gateway: elsewhere\.org$/],
  ];
  for (const [servername, text] of cases) assert.match((await ask(t, gateway, { servername })).text, text, servername);
});

test('without any certificate, whoever asks for another host is told so by an alert', async (t) => {
  const gateway = await startGateway(t, {
    tls: { passthrough: { 'bank.example.com': 'bank' } },
    services: { bank: await startBank(t) },
  });
  assert.match((await ask(t, gateway, { servername: 'bank.example.com' })).text, /^bank: /);
  for (const options of [{ servername: 'other.example.com' }, {}]) {
    const client = connectTls({ port: gateway.port(), host: '127.0.0.1', ca: certificates.authority, ...options });
    const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException];
    assert.match(String(error.code), /UNRECOGNIZED_NAME/);
  }
  const plain = await RawClient.open(gateway.port());
  plain.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await plain.untilEnd();
  const event = gateway.events.find(({ message }) => message === 'TLS handshake failed');
  assert.equal(event?.fields?.['reason'], 'the listener has no certificate, and passes no such host on');
});

test('a hello that comes byte by byte, or in many records, finds its host', async (t) => {
  const gateway = await startGateway(t, {
    tls: { certificates: [localhost], passthrough: { 'bank.example.com': 'bank' } },
    services: { bank: await startRaw(t) },
  });
  for (const fragmentBytes of [1, 7, 1 << 14]) {
    const hello = toRecords(writeHello({ extensions: [serverName('bank.example.com')] }), fragmentBytes);
    const client = await RawClient.open(gateway.port());
    t.after(() => client.close());
    for (const byte of hello) {
      client.send(Buffer.of(byte));
      if (fragmentBytes > 1) await new Promise((resolve) => setImmediate(resolve));
    }
    // The service here says what it received, all of it.
    await client.until(hello.toString('hex'));
  }
});

/** A service that answers with everything it has received, in hexadecimal digits. */
async function startRaw(t: TestContext): Promise<string> {
  const upstream = await startRawUpstream((connection) => {
    connection.send(`${Buffer.from(connection.received, 'latin1').toString('hex')}\n`);
  });
  t.after(() => upstream.close());
  return `tcp://127.0.0.1:${upstream.port}`;
}

test('first bytes that are no hello are answered by the TLS layer, and disturb nobody', async (t) => {
  const gateway = await startGateway(t, {
    tls: { certificates: [localhost], passthrough: { 'bank.example.com': 'bank' } },
    services: { bank: await startBank(t) },
  });
  const malformed = toRecords(writeHello({ end: Buffer.of(0, 9, 0) }));
  const huge = Buffer.concat([Buffer.from('1603014000', 'hex'), Buffer.from('0100ffff', 'hex'), Buffer.alloc(16_380)]);
  for (const bytes of [malformed, huge, Buffer.from('1603010005020000ff00', 'hex'), Buffer.alloc(64)]) {
    const client = await RawClient.open(gateway.port());
    client.send(bytes);
    await client.untilEnd();
  }
  assert.match((await ask(t, gateway, { servername: 'bank.example.com' })).text, /^bank: /);
  assert.match((await ask(t, gateway, { servername: 'localhost' })).text, /gateway/);
  const event = gateway.events.find(({ message }) => message === 'TLS handshake failed');
  assert.ok(event?.fields?.['reason']);
});

test('a hello that does not come, or not to its end, is given up', async (t) => {
  const gateway = await startGateway(t, {
    tls: { certificates: [localhost], passthrough: { 'bank.example.com': 'bank' } },
    services: { bank: await startBank(t) },
    listener: { timeouts: { head: '100ms' } },
  });
  const silent = await RawClient.open(gateway.port());
  const half = await RawClient.open(gateway.port());
  half.send(toRecords(writeHello({ extensions: [serverName('bank.example.com')] })).subarray(0, 40));
  await silent.untilEnd();
  await half.untilEnd();
  const event = gateway.events.find(({ message }) => message === 'TLS handshake failed');
  assert.equal(event?.fields?.['reason'], 'the client took too long');
});

test('a PROXY header before the hello tells the client of a host that is passed through', async (t) => {
  const gateway = await startGateway(t, {
    tls: { certificates: [localhost], passthrough: { 'bank.example.com': 'bank' } },
    services: { bank: await startRaw(t) },
    listener: { proxyProtocol: { from: ['127.0.0.1'] } },
  });
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  const hello = toRecords(writeHello({ extensions: [serverName('bank.example.com')] }));
  client.send(Buffer.concat([Buffer.from('PROXY TCP4 203.0.113.9 198.51.100.7 56324 443\r\n'), hello]));
  assert.ok((await client.until('\n')).startsWith(hello.toString('hex')));
  client.close();
  assert.equal((await gateway.stop())[0]!['client'], '203.0.113.9');
});

test('hosts are passed through, or not any more, from the next connection on when the configuration says so', async (t) => {
  const services = { bank: { endpoints: [await startBank(t)] } };
  const configuration = (tls: TlsInput) => ({
    listeners: { web: { address: '127.0.0.1:0', tls } },
    services,
    routes: { told: { match: { path: '/' }, to: { respond: { text: 'gateway: ${host}' } } } },
  });
  const ended = { certificates: [localhost] };
  const passed = { ...ended, passthrough: { 'bank.example.com': 'bank' } };
  const gateway = await startTestGateway(configuration(ended));
  t.after(() => gateway.stop());
  for (const [tls, text] of [
    [ended, /gateway: bank/],
    [passed, /^bank: /],
    [ended, /gateway: bank/],
  ] as const) {
    assert.deepEqual(await gateway.reconfigure(configuration(tls)), []);
    assert.match((await ask(t, gateway, { servername: 'bank.example.com' })).text, text);
  }
});
