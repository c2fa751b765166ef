/** A certificate is replaced while connections are open: they go on, and every new one meets the new certificate. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';
import { TestAuthority } from '#test/support/issuing-authority.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';

const NAMES = ['shop.test'];
const THREADS = 2;
/** So many that each thread has some: which one gets a connection is as good as tossing a coin. */
const CONNECTIONS = 16;

const answer = (text: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\n\r\n${text}`;

/** Answers at once, or for `/slow` when it is told to; a WebSocket says what it hears in capitals. */
function answerUpstream(connection: UpstreamConnection, chunk: string): void {
  if (chunk.startsWith('GET /ws'))
    connection.send('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n');
  else if (chunk.startsWith('GET /quick')) connection.send(answer('quick'));
  else if (!chunk.startsWith('GET /slow')) connection.send(chunk.toUpperCase());
}

interface Served {
  readonly gatehouse: GatehouseProcess;
  readonly authority: TestAuthority;
  readonly upstream: RawUpstream;
}

class Client {
  readonly socket: TLSSocket;
  received = '';

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    socket.on('data', (bytes: Buffer) => {
      this.received += bytes.toString('latin1');
    });
  }

  static async open(t: TestContext, { gatehouse, authority }: Served): Promise<Client> {
    const where = { port: gatehouse.port(), host: '127.0.0.1', servername: 'shop.test', ca: authority.pair.certPem };
    const socket = connect(where);
    t.after(() => socket.destroy());
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', () => resolve()).once('error', reject));
    return new Client(socket);
  }

  async ask(text: string, end: string): Promise<void> {
    this.received = '';
    this.socket.write(text);
    await this.until(end);
  }

  until(end: string): Promise<void> {
    return eventually(() => this.received.endsWith(end), `${JSON.stringify(end)} is there`);
  }

  get fingerprint(): string {
    return this.socket.getPeerCertificate().fingerprint256;
  }
}

const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: shop.test\r\n\r\n`;
const upgrade = 'GET /ws HTTP/1.1\r\nhost: shop.test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n';

/** The body of an answer over HTTP/2. */
async function askHttp2(session: ClientHttp2Session, path: string): Promise<string> {
  let body = '';
  const stream = session.request({ ':path': path });
  for await (const chunk of stream.setEncoding('utf8')) body += String(chunk);
  return body;
}

async function openHttp2(t: TestContext, { gatehouse, authority }: Served): Promise<ClientHttp2Session> {
  const options = { ca: authority.pair.certPem, servername: 'shop.test' };
  const session = connectHttp2(`https://127.0.0.1:${gatehouse.port()}`, options);
  t.after(() => session.destroy());
  await new Promise<void>((resolve, reject) => session.once('connect', () => resolve()).once('error', reject));
  return session;
}

/** `replace` brings another certificate, and tells its text. */
async function replaceUnderTraffic(t: TestContext, served: Served, replace: () => Promise<string>): Promise<void> {
  const { gatehouse, upstream } = served;
  const slow = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(t, served)));
  for (const client of slow) client.socket.write(get('/slow'));
  const webSocket = await Client.open(t, served);
  await webSocket.ask(upgrade, '\r\n\r\n');
  const http2 = await openHttp2(t, served);
  assert.equal(await askHttp2(http2, '/quick'), 'quick');
  const http2Answer = askHttp2(http2, '/slow');
  const waiting = () => upstream.connections.filter(({ received }) => received.includes('GET /slow'));
  await eventually(() => waiting().length === CONNECTIONS + 1, 'all requests are on their way');

  const expected = new X509Certificate(await replace()).fingerprint256;
  await gatehouse.nextEvent('configuration applied');
  assert.notEqual(slow[0]!.fingerprint, expected);
  const fresh = await Promise.all(Array.from({ length: CONNECTIONS }, () => Client.open(t, served)));
  assert.deepEqual(
    fresh.map(({ fingerprint }) => fingerprint),
    fresh.map(() => expected),
  );
  await Promise.all(fresh.map((client) => client.ask(get('/quick'), 'quick')));

  for (const connection of waiting()) connection.send(answer('slow'));
  await Promise.all(slow.map((client) => client.until('slow')));
  assert.equal(await http2Answer, 'slow');
  await Promise.all(slow.map((client) => client.ask(get('/quick'), 'quick')));
  for (const { received } of slow) assert.doesNotMatch(received, /connection: close/);
  assert.equal(await askHttp2(http2, '/quick'), 'quick');
  await webSocket.ask('still there', 'STILL THERE');
  assert.deepEqual(
    gatehouse.events.filter(({ level }) => level !== 'info'),
    [],
  );
}

async function start(t: TestContext, folder: string, authority: TestAuthority): Promise<Served> {
  const upstream = await startRawUpstream(answerUpstream);
  t.after(() => upstream.close());
  const tls = { certificates: [{ cert: './tls.crt', key: './tls.key' }] };
  const configuration = {
    threads: THREADS,
    listeners: { web: { address: '127.0.0.1:0', tls } },
    services: { main: { endpoints: [upstream.url] } },
    routes: { all: { match: { path: '/*' }, to: 'main' } },
  };
  return { gatehouse: await GatehouseProcess.start(t, configuration, { folder }), authority, upstream };
}

async function writePair(folder: string, authority: TestAuthority): Promise<string> {
  const { certPem, keyPem } = await authority.issue(NAMES);
  await Promise.all([writeFile(join(folder, 'tls.crt'), certPem), writeFile(join(folder, 'tls.key'), keyPem)]);
  return certPem;
}

test('files that are written anew are taken, and open connections go on', async (t) => {
  const folder = await makeFolder(t);
  const authority = await TestAuthority.create(folder);
  await writePair(folder, authority);
  const served = await start(t, folder, authority);
  await replaceUnderTraffic(t, served, () =>
    // Half of a pair would be refused, and told.
    served.gatehouse.whileHalted(() => writePair(folder, authority)),
  );
});

test('the link that Kubernetes moves when a secret changes is followed, and open connections go on', async (t) => {
  const folder = await makeFolder(t);
  const authority = await TestAuthority.create(folder);
  const write = async (version: string) => {
    await mkdir(join(folder, version));
    return writePair(join(folder, version), authority);
  };
  await write('..one');
  await symlink('..one', join(folder, '..data'));
  for (const file of ['tls.crt', 'tls.key']) await symlink(`..data/${file}`, join(folder, file));
  const served = await start(t, folder, authority);
  await replaceUnderTraffic(t, served, async () => {
    const certPem = await write('..two');
    await symlink('..two', join(folder, '..data_tmp'));
    await rename(join(folder, '..data_tmp'), join(folder, '..data'));
    await rm(join(folder, '..one'), { recursive: true });
    return certPem;
  });
});
