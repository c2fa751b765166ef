// Certificates of clients: what counts, what does not and why, in every version of TLS and for both ways to refuse.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { CertificateSigner, type Signed, signItself, writeFiles } from '#test/support/certificate-signer.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const authority = await CertificateSigner.create('Clients');
const intermediate = await authority.signAuthority('Clients of one office');
/** Of the same name, with another key. */
const impostor = await CertificateSigner.create('Clients');
const impostorOfIntermediate = await CertificateSigner.create('Clients of one office');
const stranger = await CertificateSigner.create('Strangers');

const good = await authority.sign({ names: ['client.test'], uses: ['client'] });
const revoked = await authority.sign({ names: ['client.test'], uses: ['client'] });
const underIntermediate = await intermediate.sign({ names: ['client.test'], uses: ['client'] });
const lists = `${await authority.revoke([revoked])}${await intermediate.revoke([])}`;

type Settings = Readonly<Record<string, unknown>>;

interface Case {
  readonly name: string;
  readonly shown: Signed | undefined;
  /** Certificates that the client sends behind its own. */
  readonly chain?: string;
  readonly settings?: Settings;
  /** As OpenSSL names it. */
  readonly fault: string;
}

const refused: readonly Case[] = [
  { name: 'none', shown: undefined, fault: 'missing' },
  { name: 'one that is revoked', shown: revoked, settings: { crl: lists }, fault: 'CERT_REVOKED' },
  {
    name: 'one without a list that would tell whether it is revoked',
    shown: underIntermediate,
    chain: intermediate.pem,
    settings: { crl: await authority.revoke([]) },
    fault: 'UNABLE_TO_GET_CRL',
  },
  {
    name: 'one with a longer chain than is allowed',
    shown: underIntermediate,
    chain: intermediate.pem,
    settings: { depth: 2 },
    fault: 'CERT_CHAIN_TOO_LONG',
  },
  {
    name: 'one with a chain that is too long, and certificates that look shorter',
    shown: underIntermediate,
    chain: `${impostorOfIntermediate.pem}${intermediate.pem}`,
    settings: { depth: 2 },
    fault: 'CERT_CHAIN_TOO_LONG',
  },
  {
    name: 'one with a chain that is too long, most of which is known here',
    shown: underIntermediate,
    settings: { depth: 2, ca: `${authority.pem}${intermediate.pem}` },
    fault: 'CERT_CHAIN_TOO_LONG',
  },
  {
    name: 'one whose chain has a gap',
    shown: underIntermediate,
    fault: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  },
  { name: 'one that has expired', shown: await authority.sign({ from: -20, to: -1 }), fault: 'CERT_HAS_EXPIRED' },
  { name: 'one of the future', shown: await authority.sign({ from: 5, to: 10 }), fault: 'CERT_NOT_YET_VALID' },
  {
    name: 'one of an authority that is not known',
    shown: await stranger.sign({ names: ['client.test'] }),
    fault: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  },
  {
    name: 'one of an authority that has the name of the right one',
    shown: await impostor.sign({ names: ['client.test'] }),
    fault: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  },
  {
    name: 'one that it has signed itself',
    shown: await signItself({ names: ['client.test'], uses: ['client'] }),
    fault: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  },
  { name: 'one that is for servers only', shown: await authority.sign({ uses: ['server'] }), fault: 'INVALID_PURPOSE' },
];

const allowed: readonly Omit<Case, 'fault'>[] = [
  { name: 'one of the authority', shown: good },
  { name: 'one that is not among those revoked', shown: good, settings: { crl: lists } },
  { name: 'one that just begins to count', shown: await authority.sign({ from: 0, to: 1 }) },
  { name: 'one that is for clients and servers', shown: await authority.sign() },
  {
    name: 'one with as long a chain as is allowed',
    shown: underIntermediate,
    chain: intermediate.pem,
    settings: { depth: 3, crl: lists },
  },
  {
    name: 'one with as long a chain as is allowed, and certificates that have nothing to do with it',
    shown: underIntermediate,
    chain: `${intermediate.pem}${stranger.pem}${impostor.pem}`,
    settings: { depth: 3 },
  },
];

interface Mutual {
  readonly gateway: TestGateway;
  /** Served all the time. */
  readonly bystander: TLSSocket;
}

async function startMutual(t: TestContext, settings: Settings, mode: 'required' | 'optional' = 'required'): Promise<Mutual> {
  const { ca = authority.pem, crl, ...others } = settings;
  const files = await writeFiles(t, { ca, ...(typeof crl === 'string' ? { crl } : {}) } as Record<string, string>);
  const clientCertificates = { mode, ...files, ...others };
  const tls = {
    certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }],
    clientCertificates,
  };
  const gateway = await startTestGateway({
    listeners: { web: { address: '127.0.0.1:0', tls: tls as never } },
    routes: { all: { match: { path: '/*' }, to: { respond: { text: 'hello' } } } },
  });
  t.after(() => gateway.stop());
  const bystander = await open(t, gateway, { cert: good.cert, key: good.key });
  assert.equal((await ask(bystander)).status, 200);
  return { gateway, bystander };
}

/** Resolves when the client's side of the handshake is over; rejects when it fails. */
async function open(
  t: TestContext,
  gateway: TestGateway,
  options: ConnectionOptions,
  sessions: Buffer[] = [],
): Promise<TLSSocket> {
  const where = { port: gateway.port(), host: '127.0.0.1', servername: 'localhost', ca: certificates.authority };
  const socket = connect({ ...where, ...options });
  t.after(() => socket.destroy());
  socket.on('session', (session) => sessions.push(session));
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', () => resolve()).once('error', reject));
  return socket;
}

interface Answer {
  /** 0 when the connection ends without one. */
  readonly status: number;
  readonly text: string;
}

async function ask(socket: TLSSocket): Promise<Answer> {
  let text = '';
  const listen = (bytes: Buffer) => {
    text += bytes.toString('latin1');
  };
  socket.on('error', () => undefined).on('data', listen);
  socket.write('GET /asked HTTP/1.1\r\nhost: localhost\r\n\r\n');
  await eventually(() => /\r\n\r\n./.test(text) || socket.closed, 'there is an answer or an end');
  socket.off('data', listen);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), text };
}

function toOptions({ shown, chain = '' }: Omit<Case, 'fault'>, version: 'TLSv1.2' | 'TLSv1.3'): ConnectionOptions {
  const versions = { minVersion: version, maxVersion: version };
  return shown === undefined ? versions : { ...versions, cert: `${shown.cert}${chain}`, key: shown.key };
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  for (const one of refused) {
    const { name, settings = {}, fault } = one;
    test(`a client that shows ${name} is not let in, and the log says why (${version})`, async (t) => {
      const { gateway, bystander } = await startMutual(t, settings);
      // Over TLS 1.3 the client learns of it behind its own end of the handshake.
      const answer = await open(t, gateway, toOptions(one, version)).then(ask, () => undefined);
      assert.equal(answer?.status ?? 0, 0);
      const failures = () => gateway.events.filter(({ message }) => message === 'TLS handshake failed');
      await eventually(() => failures().length === 1, 'the failure is in the log');
      const { level, fields } = failures()[0]!;
      assert.equal(level, 'warn');
      assert.partialDeepStrictEqual(fields, { listener: 'web', clientAddress: '127.0.0.1' });
      if (fault === 'missing') assert.match(String(fields?.['reason']), /^the client has shown no certificate \(ERR_SSL_/);
      else assert.equal(fields?.['reason'], `the certificate of the client does not count: ${fault}`);
      assert.equal((await ask(bystander)).status, 200);
      assert.deepEqual(
        (await gateway.stop()).map(({ status }) => status),
        [200, 200],
      );
    });

    test(`a client that shows ${name} is answered 403 where the listener says so, and the log says why (${version})`, async (t) => {
      const { gateway, bystander } = await startMutual(t, { ...settings, onFailure: 'answer' });
      for (let count = 0; count < 2; count++) {
        const answer = await ask(await open(t, gateway, toOptions(one, version)));
        assert.equal(answer.status, 403);
        assert.match(answer.text, /"code":"GH_CLIENT_CERTIFICATE"/);
        assert.doesNotMatch(answer.text, new RegExp(fault));
      }
      assert.equal((await ask(bystander)).status, 200);
      const lines = await gateway.stop();
      assert.deepEqual(
        lines.map(({ status, code }) => [status, code]),
        [
          [200, undefined],
          [403, 'GH_CLIENT_CERTIFICATE'],
          [403, 'GH_CLIENT_CERTIFICATE'],
          [200, undefined],
        ],
      );
      assert.match(JSON.stringify(lines[1]), new RegExp(fault));
    });

    test(`a client that shows ${name} where it may show none is ${one.shown === undefined ? '' : 'not '}served (${version})`, async (t) => {
      const { gateway } = await startMutual(t, settings, 'optional');
      const answer = await open(t, gateway, toOptions(one, version)).then(ask, () => undefined);
      assert.equal(answer?.status ?? 0, one.shown === undefined ? 200 : 0);
    });
  }

  for (const one of refused) {
    if (one.shown === undefined) continue;
    test(`a session of a client that shows ${one.name} opens nothing (${version})`, async (t) => {
      for (const [onFailure, status] of [
        ['handshake', 0],
        ['answer', 403],
      ] as const) {
        const { gateway } = await startMutual(t, { ...one.settings, onFailure });
        const sessions: Buffer[] = [];
        const first = await open(t, gateway, toOptions(one, version), sessions).then(ask, () => undefined);
        assert.equal(first?.status ?? 0, status);
        for (const session of sessions) {
          const again = await open(t, gateway, { ...toOptions(one, version), session }).then(ask, () => undefined);
          assert.equal(again?.status ?? 0, status);
        }
      }
    });
  }

  for (const one of allowed) {
    test(`a client that shows ${one.name} is served (${version})`, async (t) => {
      for (const onFailure of ['handshake', 'answer']) {
        const { gateway } = await startMutual(t, { ...one.settings, onFailure });
        const sessions: Buffer[] = [];
        assert.equal((await ask(await open(t, gateway, toOptions(one, version), sessions))).status, 200);
        const resumed = await open(t, gateway, { ...toOptions(one, version), session: sessions[0]! });
        assert.equal((await ask(resumed)).status, 200);
        // A session does not tell how long the chain was, so those who were let in to be refused get none, and others neither.
        assert.equal(resumed.isSessionReused(), onFailure === 'handshake', onFailure);
        assert.deepEqual(
          gateway.events.filter(({ level }) => level !== 'info'),
          [],
        );
      }
    });
  }
}
