// Which certificate a client meets, and what is agreed on in the handshake.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { onEachRequest, startForwarding } from '#test/support/forwarding.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { TestAuthority } from '#test/support/issuing-authority.ts';
import { needs, run } from '#test/support/programs.ts';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '#test/support/test-gateway.ts';

type ListenerTls = Record<string, unknown>;

interface Secure {
  readonly gateway: TestGateway;
  readonly authority: TestAuthority;
  /** Resolves when the handshake is over; rejects when it fails. */
  open(options?: ConnectionOptions): Promise<TLSSocket>;
}

async function startSecure(
  t: TestContext,
  toTls: (authority: TestAuthority) => Promise<ListenerTls>,
  listener: Record<string, unknown> = {},
  options: TestGatewayOptions = {},
): Promise<Secure> {
  const authority = await TestAuthority.create(await makeFolder(t));
  const gateway = await startTestGateway(
    {
      listeners: { web: { address: '127.0.0.1:0', tls: (await toTls(authority)) as never, ...listener } },
      routes: { all: { match: { path: '/*' }, to: { respond: { status: 200, text: 'hello' } } } },
    },
    options,
  );
  t.after(() => gateway.stop());
  return {
    gateway,
    authority,
    async open(options = {}) {
      const socket = connect({ port: gateway.port(), host: '127.0.0.1', ca: authority.pair.certPem, ...options });
      t.after(() => socket.destroy());
      await new Promise<void>((resolve, reject) => socket.once('secureConnect', () => resolve()).once('error', reject));
      return socket;
    },
  };
}

const unchecked = { checkServerIdentity: () => undefined };

const namesOf = (socket: TLSSocket) => socket.getPeerCertificate().subjectaltname;

test('the certificate is the one of the host that the client asks for: exact before pattern, else the first', async (t) => {
  const { open } = await startSecure(t, async (authority) => ({
    certificates: [
      await authority.issueFiles('first', ['first.test']),
      await authority.issueFiles('wild', ['*.shop.test']),
      await authority.issueFiles('exact', ['www.shop.test']),
      { ...(await authority.issueFiles('named', ['inside.test'])), hosts: ['outside.test'] },
    ],
  }));
  for (const [servername, expected] of [
    ['first.test', 'DNS:first.test'],
    ['FIRST.test', 'DNS:first.test'],
    ['a.shop.test', 'DNS:*.shop.test'],
    ['www.shop.test', 'DNS:www.shop.test'],
    ['a.b.shop.test', 'DNS:first.test'],
    ['shop.test', 'DNS:first.test'],
    ['outside.test', 'DNS:inside.test'],
    ['inside.test', 'DNS:first.test'],
    ['', 'DNS:first.test'],
  ] as const) {
    assert.equal(namesOf(await open({ servername, ...unchecked })), expected, servername);
  }
});

test('a host without a certificate is refused where the listener says so, and one without a name is not', async (t) => {
  const { open } = await startSecure(t, async (authority) => ({
    unknownHosts: 'refuse',
    certificates: [await authority.issueFiles('a', ['a.test'])],
  }));
  await assert.rejects(open({ servername: 'b.test', ...unchecked }), { code: 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME' });
  assert.equal(namesOf(await open({ servername: 'a.test' })), 'DNS:a.test');
  assert.equal(namesOf(await open({ servername: '', ...unchecked })), 'DNS:a.test');
});

test('`modern` speaks TLS 1.3 alone, `intermediate` TLS 1.2 too, and neither anything older', async (t) => {
  for (const [policy, spoken] of [
    ['modern', ['TLSv1.3']],
    ['intermediate', ['TLSv1.2', 'TLSv1.3']],
  ] as const) {
    const { open } = await startSecure(t, async (authority) => ({
      policy,
      certificates: [await authority.issueFiles('a', ['a.test'])],
    }));
    for (const version of ['TLSv1.1', 'TLSv1.2', 'TLSv1.3'] as const) {
      const attempt = open({ servername: 'a.test', minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' });
      if ((spoken as readonly string[]).includes(version)) assert.equal((await attempt).getProtocol(), version);
      else await assert.rejects(attempt, `${policy} ${version}`);
    }
  }
});

test('HTTP/2 is agreed on where the client offers it, HTTP/1.1 otherwise, and nothing else', async (t) => {
  const { open } = await startSecure(t, async (authority) => ({ certificates: [await authority.issueFiles('a', ['a.test'])] }));
  const servername = 'a.test';
  assert.equal((await open({ servername, ALPNProtocols: ['http/1.1', 'h2'] })).alpnProtocol, 'h2');
  assert.equal((await open({ servername, ALPNProtocols: ['http/1.1'] })).alpnProtocol, 'http/1.1');
  assert.equal((await open({ servername })).alpnProtocol, false);
  await assert.rejects(open({ servername, ALPNProtocols: ['ftp'] }), /no application protocol/i);
});

test('without HTTP/2 the listener does not offer it', async (t) => {
  const { open } = await startSecure(t, async (authority) => ({ certificates: [await authority.issueFiles('a', ['a.test'])] }), {
    http2: false,
  });
  assert.equal((await open({ servername: 'a.test', ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol, 'http/1.1');
});

test('a request that comes with the end of the handshake is answered', async (t) => {
  const { gateway, authority } = await startSecure(t, async (own) => ({ certificates: [await own.issueFiles('a', ['a.test'])] }));
  const socket = connect({ port: gateway.port(), host: '127.0.0.1', ca: authority.pair.certPem, servername: 'a.test' });
  t.after(() => socket.destroy());
  // Written before the handshake is over, so that both leave together.
  socket.write('GET / HTTP/1.1\r\nhost: a.test\r\n\r\n');
  let received = '';
  socket.on('data', (bytes: Buffer) => {
    received += bytes.toString('latin1');
  });
  await eventually(() => received.endsWith('hello'), 'the answer is there');
});

test('handshakes that are cut short or never go on cost only themselves', async (t) => {
  const clock = new FakeClock();
  // The certificates are valid today.
  clock.jumpWallTo(Date.now());
  const { gateway, open } = await startSecure(
    t,
    async (authority) => ({ certificates: [await authority.issueFiles('a', ['a.test'])] }),
    { timeouts: { head: '3s' } },
    { clock },
  );
  const silent = connectPlain(gateway.port(), '127.0.0.1');
  const half = connectPlain(gateway.port(), '127.0.0.1');
  const gone = connectPlain(gateway.port(), '127.0.0.1');
  for (const socket of [silent, half, gone]) socket.on('error', () => undefined);
  half.write(Buffer.from('16030100ff010000fb0303', 'hex'));
  gone.write(Buffer.from('160301', 'hex'), () => gone.destroy());
  const closed = Promise.all([once(silent, 'close'), once(half, 'close')]);
  await eventually(() => (gateway.control.plane?.connectionCount ?? 0) >= 2, 'the first two are there');
  clock.advance(3_500);
  await closed;
  assert.equal(namesOf(await open({ servername: 'a.test' })), 'DNS:a.test');
  await eventually(() => gateway.control.plane?.connectionCount === 1, 'the others are forgotten');
});

function toOptions({ certPem, keyPem }: { certPem: string; keyPem: string }): ConnectionOptions {
  return { cert: certPem, key: keyPem };
}

test(
  'of an EC and an RSA certificate for one host, each client gets the one that it understands',
  needs('openssl'),
  async (t) => {
    const { open } = await startSecure(t, async (authority) => {
      const cert = join(authority.folder, 'rsa.pem');
      const key = join(authority.folder, 'rsa.key');
      const subject = ['-subj', '/CN=both.test', '-addext', 'subjectAltName=DNS:both.test'];
      const made = await run(
        'openssl',
        ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, ...subject],
        { timeoutMs: 120_000 },
      );
      assert.equal(made.status, 0, made.stderr);
      return {
        certificates: [
          await authority.issueFiles('other', ['other.test']),
          await authority.issueFiles('both', ['both.test']),
          { cert, key },
        ],
      };
    });
    for (const [sigalgs, type] of [
      ['ecdsa_secp256r1_sha256', 'ec'],
      ['rsa_pss_rsae_sha256', 'rsa'],
    ] as const) {
      const socket = await open({ servername: 'both.test', sigalgs, rejectUnauthorized: false });
      assert.equal(socket.getPeerX509Certificate()?.publicKey.asymmetricKeyType, type);
    }
  },
);

for (const [forward, pattern] of [
  ['client-cert', /\r\nclient-cert: :[A-Za-z0-9+/=]+:\r\n/],
  ['x-forwarded-client-cert', /\r\nx-forwarded-client-cert: Hash=[0-9a-f]{64};Subject="CN=client\.test";DNS=client\.test\r\n/],
] as const) {
  test(`a service learns of the certificate of a client by ${forward}, and of none by a client's own word`, async (t) => {
    const authority = await TestAuthority.create(await makeFolder(t));
    const clientCertificates = { mode: 'optional', ca: await authority.writeOwn('clients'), forward } as const;
    const certificates = [await authority.issueFiles('a', ['a.test'])];
    const { upstream, gateway } = await startForwarding(
      t,
      onEachRequest((connection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')),
      { gateway: { listeners: { web: { address: '127.0.0.1:0', tls: { certificates, clientCertificates } } } } },
    );
    const forged = `${forward}: forged\r\nclient-cert-chain: forged\r\n`;
    for (const [i, options] of [toOptions(await authority.issueForClient('client.test')), {}].entries()) {
      const socket = connect({
        port: gateway.port(),
        host: '127.0.0.1',
        ca: authority.pair.certPem,
        servername: 'a.test',
        ...options,
      });
      t.after(() => socket.destroy());
      socket.on('error', () => undefined);
      socket.resume();
      socket.write(`GET /${i} HTTP/1.1\r\nhost: a.test\r\n${forged}\r\n`);
      const received = () => upstream.connections.map((connection) => connection.received).join('');
      await eventually(
        () => received().includes(`GET /${i} `) && received().endsWith('\r\n\r\n'),
        'the upstream has the request',
      );
      const head = received().slice(received().indexOf(`GET /${i} `));
      assert.doesNotMatch(head, /forged/);
      if (i === 0) assert.match(head, pattern);
      else assert.doesNotMatch(head, /client-cert/);
    }
  });
}

test('a client that wants to renegotiate is refused, and disturbs nobody', async (t) => {
  const { gateway, open } = await startSecure(t, async (authority) => ({
    certificates: [await authority.issueFiles('own', ['own.test'])],
  }));
  const bystander = await open({ servername: 'own.test' });
  for (let count = 0; count < 5; count++) {
    const client = await open({ servername: 'own.test', maxVersion: 'TLSv1.2' });
    const refused = once(client, 'error');
    client.renegotiate({}, () => undefined);
    const [error] = (await refused) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ERR_SSL_NO_RENEGOTIATION');
  }
  bystander.write('GET / HTTP/1.1\r\nhost: own.test\r\n\r\n');
  assert.match(String((await once(bystander, 'data'))[0]), /^HTTP\/1\.1 200 /);
  assert.deepEqual(
    gateway.events.filter(({ level }) => level === 'error'),
    [],
  );
});
