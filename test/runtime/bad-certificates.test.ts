/** Certificates and keys that cannot be served: at the start, in a new configuration, and in the place of those that are served. */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess, makeFolder, type ProcessEvent } from '#test/support/gatehouse-process.ts';
import { TestAuthority } from '#test/support/issuing-authority.ts';
import { needs, run } from '#test/support/programs.ts';

const NAMES = ['shop.test'];

interface Fault {
  readonly name: string;
  /** Spoils the good pair that stands in these files. */
  spoil(paths: { cert: string; key: string }, authority: TestAuthority): Promise<void>;
  readonly of: 'cert' | 'key';
  /** What is said of the file. */
  readonly problem: RegExp;
}

const faults: readonly Fault[] = [
  {
    name: 'a certificate that is none',
    spoil: ({ cert }) => writeFile(cert, 'no certificate'),
    of: 'cert',
    problem: /^is not a certificate in PEM form$/,
  },
  {
    name: 'half a certificate',
    spoil: async ({ cert }) => writeFile(cert, (await readFile(cert, 'utf8')).slice(0, 300)),
    of: 'cert',
    problem: /^is not a certificate in PEM form$/,
  },
  { name: 'an empty certificate', spoil: ({ cert }) => writeFile(cert, ''), of: 'cert', problem: /^is not a certificate in PEM/ },
  {
    name: 'an expired certificate',
    spoil: async (paths, authority) => writePair(paths, await authority.issue(NAMES, { fromDays: -20 })),
    of: 'cert',
    problem: /^has expired on \d{4}-\d\d-\d\d$/,
  },
  {
    name: 'a certificate of the future',
    spoil: async (paths, authority) => writePair(paths, await authority.issue(NAMES, { fromDays: 5 })),
    of: 'cert',
    problem: /^is not valid before \d{4}-\d\d-\d\dT/,
  },
  {
    name: 'a folder in place of the certificate',
    spoil: ({ cert }) => rm(cert).then(() => mkdir(cert)),
    of: 'cert',
    problem: /^cannot be read: it is a folder$/,
  },
  {
    name: 'a certificate behind links that lead nowhere',
    spoil: ({ cert }) => rm(cert).then(() => symlink(cert, cert)),
    of: 'cert',
    problem: /^cannot be read: .*ELOOP/,
  },
  {
    name: 'the key of another certificate',
    spoil: async ({ key }, authority) => writeFile(key, (await authority.issue(NAMES)).keyPem),
    of: 'key',
    problem: /^does not belong to \/.*\.pem$/,
  },
  {
    name: 'a key that is none',
    spoil: ({ key }) => writeFile(key, 'no key'),
    of: 'key',
    problem: /^is not a private key in PEM form$/,
  },
  { name: 'an empty key', spoil: ({ key }) => writeFile(key, ''), of: 'key', problem: /^is not a private key in PEM form$/ },
  {
    name: 'an encrypted key',
    spoil: async ({ key }) => {
      const cipher = { cipher: 'aes-256-cbc', passphrase: 'secret' };
      const encrypted = createPrivateKey(await readFile(key)).export({ type: 'pkcs8', format: 'pem', ...cipher });
      await writeFile(key, encrypted);
    },
    of: 'key',
    problem: /^is encrypted; store it without a passphrase$/,
  },
  {
    name: 'a folder in place of the key',
    spoil: ({ key }) => rm(key).then(() => mkdir(key)),
    of: 'key',
    problem: /^cannot be read: it is a folder$/,
  },
];

async function writePair(paths: { cert: string; key: string }, pair: { certPem: string; keyPem: string }): Promise<void> {
  await Promise.all([writeFile(paths.cert, pair.certPem), writeFile(paths.key, pair.keyPem)]);
}

/** `name` is that of the files. Where it stands is counted in the tests. */
function toYaml(name: string, text = 'hello'): string {
  return `version: 1
threads: 2
accessLog: false
listeners:
  web:
    address: 127.0.0.1:0
    tls:
      certificates:
        - cert: ./${name}.pem
          key: ./${name}.key
routes:
  all: { match: { path: /* }, to: { respond: { text: ${text} } } }
`;
}

const places = { cert: '9:17', key: '10:16' } as const;
const roles = { cert: 'the certificate', key: 'the private key' } as const;

/** What stands behind the role and the path of the file. */
function toProblem(issue: string, path: string, of: Fault['of']): string {
  const beginning = `${roles[of]} ${path} `;
  assert.equal(issue.slice(0, beginning.length), beginning);
  return issue.slice(beginning.length);
}

interface Issuing {
  readonly folder: string;
  readonly authority: TestAuthority;
}

async function createIssuing(t: TestContext): Promise<Issuing> {
  const folder = await makeFolder(t);
  return { folder, authority: await TestAuthority.create(folder) };
}

for (const { name, spoil, of, problem } of faults) {
  test(`does not start with ${name}, and says where it is named`, async (t) => {
    const { folder, authority } = await createIssuing(t);
    const paths = await authority.issueFiles('bad', NAMES);
    await spoil(paths, authority);
    const gatehouse = await GatehouseProcess.launch(t, toYaml('bad'), { folder });
    assert.equal((await gatehouse.ended).exitCode, 2);
    const [line, ...more] = gatehouse.stderr.split('\n');
    assert.deepEqual(more, ['']);
    const beginning = `gatehouse.yaml:${places[of]} listeners.web.tls.certificates[0].${of}: `;
    assert.equal(line!.slice(0, beginning.length), beginning);
    assert.match(toProblem(line!.slice(beginning.length), paths[of], of), problem);
    assert.equal(gatehouse.stdout, '');
  });
}

/** A gateway that serves good certificates, and a client that stays connected to it. */
class Bystander {
  readonly gatehouse: GatehouseProcess;
  readonly #authority: TestAuthority;
  readonly #socket: TLSSocket;
  #received = '';

  private constructor(gatehouse: GatehouseProcess, authority: TestAuthority, socket: TLSSocket) {
    this.gatehouse = gatehouse;
    this.#authority = authority;
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#received += bytes.toString('latin1');
    });
  }

  static async start(t: TestContext, { folder, authority }: Issuing): Promise<Bystander> {
    await authority.issueFiles('good', NAMES);
    const gatehouse = await GatehouseProcess.start(t, toYaml('good'), { folder });
    const socket = await open(gatehouse.port(), authority);
    t.after(() => socket.destroy());
    return new Bystander(gatehouse, authority, socket);
  }

  /** The event that a refusal leaves, once `action` has brought it about. */
  async refusedBy(action: () => Promise<unknown>): Promise<ProcessEvent> {
    const refused = () => this.gatehouse.events.filter(({ message }) => message === 'configuration refused');
    const before = refused().length;
    // Half of a pair, or a file that has been emptied and not yet written, would be refused for another reason.
    await this.gatehouse.whileHalted(action);
    await this.gatehouse.until(() => refused().length > before, 'the refusal');
    assert.equal(refused().length, before + 1);
    return refused().at(-1)!;
  }

  /** The fingerprint of what a new client is shown; the one that was there before is still served. */
  async shown(): Promise<string> {
    this.#received = '';
    this.#socket.write('GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n');
    await eventually(() => this.#received.endsWith('hello'), 'the open connection is answered');
    const socket = await open(this.gatehouse.port(), this.#authority);
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  }
}

async function open(port: number, { pair }: TestAuthority): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', servername: 'shop.test', ca: pair.certPem });
  await new Promise<void>((resolve, reject) => socket.once('secureConnect', () => resolve()).once('error', reject));
  return socket;
}

test('a new configuration with a bad certificate is refused; what is served stays, and connections are left alone', async (t) => {
  const issuing = await createIssuing(t);
  const bystander = await Bystander.start(t, issuing);
  const { gatehouse } = bystander;
  const before = await bystander.shown();
  for (const [i, { name, spoil, of, problem }] of faults.entries()) {
    const paths = await issuing.authority.issueFiles(`bad${i}`, NAMES);
    await spoil(paths, issuing.authority);
    const event = await bystander.refusedBy(() => writeFile(gatehouse.file, toYaml(`bad${i}`)));
    assert.equal(`${event['line']}:${event['column']}`, places[of], name);
    assert.match(toProblem(String(event['issue']), paths[of], of), problem, name);
    assert.equal(await bystander.shown(), before, name);
  }
});

test('a bad certificate in place of the one that is served is refused and told; what is served stays', async (t) => {
  const issuing = await createIssuing(t);
  const bystander = await Bystander.start(t, issuing);
  const { authority, folder } = issuing;
  const before = await bystander.shown();
  const paths = { cert: join(folder, 'good.pem'), key: join(folder, 'good.key') };
  const [cert, key] = await Promise.all([readFile(paths.cert, 'utf8'), readFile(paths.key, 'utf8')]);
  for (const { name, spoil, of, problem } of faults) {
    // A link that leads nowhere is a file that has vanished: it is waited for.
    if (name === 'a certificate behind links that lead nowhere') continue;
    const event = await bystander.refusedBy(async () => {
      await Promise.all([rm(paths.cert, { recursive: true }), rm(paths.key, { recursive: true })]);
      await writePair(paths, { certPem: cert, keyPem: key });
      await spoil(paths, authority);
    });
    assert.equal(`${event['file']}:${event['line']}:${event['column']}`, `gatehouse.yaml:${places[of]}`, name);
    assert.match(toProblem(String(event['issue']), paths[of], of), problem, name);
    assert.equal(await bystander.shown(), before, name);
  }
  await rm(paths.key, { recursive: true });
  await authority.issueFiles('good', NAMES);
  await bystander.gatehouse.nextEvent('configuration applied');
  assert.notEqual(await bystander.shown(), before);
});

test('all files that cannot be used are told at once, those of clients and services too', async (t) => {
  const { folder, authority } = await createIssuing(t);
  await authority.issueFiles('good', NAMES);
  await writeFile(join(folder, 'text.pem'), 'hello');
  const configuration = `version: 1
listeners:
  web:
    address: 127.0.0.1:0
    tls:
      certificates: [{ cert: ./good.pem, key: ./good.key }, { cert: ./nowhere.pem, key: ./text.pem }]
      clientCertificates: { mode: required, ca: ./text.pem, crl: ./text.pem }
services:
  orders: { endpoints: [https://127.0.0.1:1], tls: { certificate: { cert: ./text.pem, key: ./nowhere.key } } }
`;
  const gatehouse = await GatehouseProcess.launch(t, configuration, { folder });
  assert.equal((await gatehouse.ended).exitCode, 2);
  assert.deepEqual(gatehouse.stderr.replaceAll(`${folder}/`, '').trimEnd().split('\n'), [
    'gatehouse.yaml:6:69 listeners.web.tls.certificates[1].cert: the certificate nowhere.pem cannot be read: there is no such file',
    'gatehouse.yaml:7:49 listeners.web.tls.clientCertificates.ca: the certificate authority text.pem is not a certificate in PEM form',
    'gatehouse.yaml:7:66 listeners.web.tls.clientCertificates.crl: the revocation list text.pem is not a revocation list in PEM form',
    'gatehouse.yaml:9:92 services.orders.tls.certificate.key: the private key nowhere.key cannot be read: there is no such file',
  ]);
});

test('a key that OpenSSL finds too weak is refused before a client asks for it', needs('openssl'), async (t) => {
  const { folder, authority } = await createIssuing(t);
  await authority.issueFiles('good', NAMES);
  const files = ['-keyout', join(folder, 'weak.key'), '-out', join(folder, 'weak.pem')];
  const subject = ['-subj', '/CN=weak.test', '-addext', 'subjectAltName=DNS:weak.test'];
  const made = await run('openssl', ['req', '-x509', '-newkey', 'rsa:1024', '-nodes', ...files, ...subject]);
  assert.equal(made.status, 0, made.stderr);
  const second = '        - { cert: ./weak.pem, key: ./weak.key }\n';
  const configuration = toYaml('good').replace('routes:', `${second}routes:`);
  const gatehouse = await GatehouseProcess.launch(t, configuration, { folder });
  assert.equal((await gatehouse.ended).exitCode, 2);
  assert.match(
    gatehouse.stderr,
    /^gatehouse\.yaml:11:19 listeners\.web\.tls\.certificates\[1\]\.cert: the certificate .*weak\.pem is refused by OpenSSL: ee key too small\n$/,
  );
});
