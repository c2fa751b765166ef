// Large bodies, byte for byte, and what the gateway holds while one side is slower than the other. Node's own client and
// server stand at the ends, so that nothing of ours checks itself.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as requestHttp, type Server, type ServerResponse } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { certificatePaths, certificates } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { startGatewayFor } from '#test/support/forwarding.ts';
import type { TestGateway } from '#test/support/test-gateway.ts';

const MIB = 1024 * 1024;

const listeners: GatewayInput['listeners'] = {
  web: { address: '127.0.0.1:0' },
  secure: {
    address: '127.0.0.1:0',
    tls: { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] },
  },
};

/** Bytes that no two blocks share, so that a block lost, repeated or moved shows in the hash. */
function makeBytes(size: number): Buffer {
  const words = new Uint32Array(Math.ceil(size / 4));
  let state = 0x2545f491;
  for (let i = 0; i < words.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    words[i] = state;
  }
  return Buffer.from(words.buffer).subarray(0, size);
}

/** Cuts bytes into pieces of many sizes, from 1 byte to some 100 KB. */
function* cut(bytes: Buffer): Generator<Buffer, void> {
  let size = 1;
  for (let position = 0; position < bytes.length; ) {
    yield bytes.subarray(position, position + size);
    position += size;
    size = (size * 7 + 3) % 100_003;
  }
}

async function writePieces(sink: ServerResponse | ReturnType<typeof requestHttp>, bytes: Buffer): Promise<void> {
  for (const piece of cut(bytes)) {
    if (!sink.write(piece)) await once(sink, 'drain');
  }
  sink.end();
}

async function hashBody(message: IncomingMessage): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of message) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

const body = makeBytes(8 * MIB + 12_345);
const bodyHash = createHash('sha256').update(body).digest('hex');

async function listen(t: TestContext, server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Says what it got, and answers with the large body: with a length where the path asks for one, else chunked. */
async function answerLarge(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const received = request.method === 'POST' ? await hashBody(request) : '';
  response.setHeader('x-received', received);
  response.setHeader('x-framing', request.headers['transfer-encoding'] ?? `length ${request.headers['content-length']}`);
  if (request.url === '/length') response.setHeader('content-length', body.length);
  await writePieces(response, body);
}

function open(
  gateway: TestGateway,
  options: { isSecure: boolean; path: string; method: string; headers: Record<string, string> },
) {
  const { isSecure, ...rest } = options;
  const where = { host: '127.0.0.1', port: gateway.port(isSecure ? 'secure' : 'web'), agent: false, ...rest };
  return isSecure ? requestHttps({ ...where, ca: certificates.authority }) : requestHttp(where);
}

for (const isSecure of [false, true]) {
  for (const framing of ['length', 'chunked'] as const) {
    test(`8 MB go up and down unchanged, framing: ${framing}, ${isSecure ? 'TLS' : 'plain'} client`, async (t) => {
      const url = await listen(
        t,
        createServer((request, response) => void answerLarge(request, response)),
      );
      const gateway = await startGatewayFor(t, { service: { endpoints: [url] }, gateway: { listeners } });
      const headers: Record<string, string> = framing === 'length' ? { 'content-length': `${body.length}` } : {};
      const request = open(gateway, { isSecure, path: `/${framing}`, method: 'POST', headers });
      const answered = once(request, 'response') as Promise<[IncomingMessage]>;
      await writePieces(request, body);
      const [response] = await answered;
      assert.equal(await hashBody(response), bodyHash);
      assert.equal(response.headers['x-received'], bodyHash);
      assert.equal(response.headers['x-framing'], framing === 'length' ? `length ${body.length}` : 'chunked');
      assert.equal(response.headers['content-length'], framing === 'length' ? `${body.length}` : undefined);
    });
  }
}

test('twelve large answers at once do not mix', async (t) => {
  const url = await listen(
    t,
    createServer((request, response) => void answerLarge(request, response)),
  );
  const gateway = await startGatewayFor(t, { service: { endpoints: [url] }, gateway: { listeners } });
  const hashes = Array.from({ length: 12 }, async (_, index) => {
    const request = open(gateway, {
      isSecure: index % 3 === 0,
      path: index % 2 === 0 ? '/length' : '/chunked',
      method: 'GET',
      headers: {},
    });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return hashBody(response);
  });
  assert.deepEqual(new Set(await Promise.all(hashes)), new Set([bodyHash]));
});

test('a body goes both ways at once: what is sent comes back while it is still being sent', async (t) => {
  const url = await listen(
    t,
    createServer((request, response) => void request.pipe(response)),
  );
  const gateway = await startGatewayFor(t, { service: { endpoints: [url] }, gateway: { listeners } });
  const request = open(gateway, { isSecure: false, path: '/', method: 'POST', headers: {} });
  request.write('first');
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const hashed = hashBody(response);
  await writePieces(request, body);
  assert.equal(await hashed, createHash('sha256').update('first').update(body).digest('hex'));
});

test('the body of an upstream that only closes is whole', async (t) => {
  const server = createTcpServer((socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.0 200 OK\r\ncontent-type: x/y\r\n\r\n');
      socket.end(body);
    });
  });
  const url = await listenTcp(t, server);
  const gateway = await startGatewayFor(t, { service: { endpoints: [url] }, gateway: { listeners } });
  const request = open(gateway, { isSecure: false, path: '/', method: 'GET', headers: {} });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  assert.equal(await hashBody(response), bodyHash);
});

async function listenTcp(t: TestContext, server: ReturnType<typeof createTcpServer>): Promise<string> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

// Far more than the operating system keeps for the two connections of an exchange.
const LONG_BYTES = 192 * MIB;
/** What two connections' send and receive buffers hold at most on Linux, and room for what the gateway holds itself. */
const IN_FLIGHT_MAX = 48 * MIB;
const OWN_MEMORY_MAX = 16 * MIB;
const block = makeBytes(64 * 1024);

/** Sends `LONG_BYTES`, always the same block, as fast as the peer takes them. */
class LongSender {
  readonly #socket: Socket;
  readonly #isChunked: boolean;
  #sent = 0;

  constructor(socket: Socket, isChunked: boolean) {
    this.#socket = socket;
    this.#isChunked = isChunked;
    socket.on('drain', () => this.send());
  }

  get pushedBytes(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength;
  }

  send(): void {
    let isTaken = true;
    while (isTaken && this.#sent < LONG_BYTES) {
      if (this.#isChunked) this.#socket.write(`${block.length.toString(16)}\r\n`);
      isTaken = this.#socket.write(block);
      if (this.#isChunked) isTaken = this.#socket.write('\r\n');
      this.#sent += block.length;
    }
    if (this.#sent >= LONG_BYTES && this.#isChunked) this.#socket.write('0\r\n\r\n');
    if (this.#sent >= LONG_BYTES) this.#socket.removeAllListeners('drain');
  }

  /** Resolves when nothing has moved for a while. */
  async untilStalled(): Promise<void> {
    let before = -1;
    let count = 0;
    await eventually(() => {
      count = this.pushedBytes === before ? count + 1 : 0;
      before = this.pushedBytes;
      return before > 0 && count > 50;
    }, 'the sender is held up');
  }
}

const framingOf = (isChunked: boolean) => (isChunked ? 'transfer-encoding: chunked' : `content-length: ${LONG_BYTES}`);

function ownMemory(): number {
  globalThis.gc?.();
  const { arrayBuffers, external } = process.memoryUsage();
  return arrayBuffers + external;
}

for (const isChunked of [false, true]) {
  const framing = isChunked ? 'chunked' : 'of known length';

  test(`a client that does not read holds the upstream up: an answer ${framing} stays where it is`, async (t) => {
    let sender: LongSender | undefined;
    const server = createTcpServer((socket) => {
      socket.once('data', () => {
        socket.write(`HTTP/1.1 200 OK\r\n${framingOf(isChunked)}\r\n\r\n`);
        sender = new LongSender(socket, isChunked);
        sender.send();
      });
    });
    const url = await listenTcp(t, server);
    const gateway = await startGatewayFor(t, { service: { endpoints: [url] } });
    const client = connect(gateway.port(), '127.0.0.1');
    t.after(() => client.destroy());
    client.pause();
    const memoryBefore = ownMemory();
    client.write('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
    await eventually(() => sender !== undefined, 'the answer has begun');
    await sender!.untilStalled();
    assert.ok(sender!.pushedBytes < IN_FLIGHT_MAX, `${sender!.pushedBytes} bytes are in flight`);
    assert.ok(ownMemory() - memoryBefore < OWN_MEMORY_MAX, `${ownMemory() - memoryBefore} bytes more are held`);
    // The rest comes when the client reads again.
    let received = 0;
    client.on('data', (chunk) => {
      received += chunk.length;
    });
    client.resume();
    await eventually(() => received >= LONG_BYTES && sender!.pushedBytes >= LONG_BYTES, 'the whole answer is there');
  });

  test(`an upstream that does not read holds the client up: a request body ${framing} stays where it is`, async (t) => {
    let received = 0;
    let upstream: Socket | undefined;
    const server = createTcpServer((socket) => {
      upstream = socket;
      socket.on('data', (chunk) => {
        if (received === 0) socket.pause();
        const wasWhole = received >= LONG_BYTES;
        received += chunk.length;
        if (!wasWhole && received >= LONG_BYTES) socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok');
      });
    });
    const url = await listenTcp(t, server);
    const gateway = await startGatewayFor(t, { service: { endpoints: [url] } });
    const client = connect(gateway.port(), '127.0.0.1');
    t.after(() => client.destroy());
    const memoryBefore = ownMemory();
    client.write(`POST / HTTP/1.1\r\nhost: shop\r\n${framingOf(isChunked)}\r\n\r\n`);
    const sender = new LongSender(client, isChunked);
    sender.send();
    await sender.untilStalled();
    assert.ok(sender.pushedBytes < IN_FLIGHT_MAX, `${sender.pushedBytes} bytes are in flight`);
    assert.ok(ownMemory() - memoryBefore < OWN_MEMORY_MAX, `${ownMemory() - memoryBefore} bytes more are held`);
    let answer = '';
    client.on('data', (chunk) => {
      answer += chunk.toString('latin1');
    });
    upstream!.resume();
    await eventually(() => answer.endsWith('ok'), 'the answer is there');
  });
}
