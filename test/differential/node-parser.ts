/**
 * What Node's own HTTP/1 parser (llhttp, in its strict setting) makes of bytes, by way of a real `node:http` server and
 * client whose connections are pairs of streams in memory: no sockets, no ports, and the order of events repeats.
 */
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import { type Duplex, duplexPair } from 'node:stream';

export interface NodeMessage {
  readonly method: string;
  readonly target: string;
  readonly status: number;
  /** As in `1.1`. */
  readonly version: string;
  readonly rawFields: readonly string[];
  /** One character per byte. */
  body: string;
  rawTrailers: readonly string[];
  isComplete: boolean;
}

export interface NodeReading {
  readonly messages: NodeMessage[];
  /** Informational answers before the only message. */
  readonly informational: { readonly status: number; readonly rawFields: readonly string[] }[];
  /** The parser's own code for what it refused. */
  refusal: string | undefined;
}

/** As much as the gateway takes, so that sizes make no difference. */
const parserOptions = { insecureHTTPParser: false, maxHeaderSize: 64 * 1024 };

function createReading(): NodeReading {
  return { messages: [], informational: [], refusal: undefined };
}

function record(reading: NodeReading, incoming: IncomingMessage): void {
  const message: NodeMessage = {
    method: incoming.method ?? '',
    target: incoming.url ?? '',
    status: incoming.statusCode ?? 0,
    version: incoming.httpVersion,
    rawFields: incoming.rawHeaders,
    body: '',
    rawTrailers: [],
    isComplete: false,
  };
  reading.messages.push(message);
  incoming.setEncoding('latin1');
  incoming.on('data', (text: string) => {
    message.body += text;
  });
  incoming.on('end', () => {
    message.rawTrailers = incoming.rawTrailers;
    message.isComplete = incoming.complete;
  });
  // The connection ended within the message; the missing `end` says so.
  incoming.on('error', () => {});
}

/** Lets everything happen that is ready to: both ends live in this process and wait for nothing else. */
async function settle(): Promise<void> {
  for (let round = 0; round < 6; round++) await new Promise((resolve) => setImmediate(resolve));
}

async function send(side: Duplex, bytes: Buffer): Promise<void> {
  side.on('error', () => {});
  side.resume();
  if (bytes.length > 0) side.write(bytes);
  await settle();
  side.end();
  await settle();
}

/** Reads the bytes of client connections. */
export class NodeRequestParser {
  readonly #readings = new Map<Duplex, NodeReading>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer({ ...parserOptions, requireHostHeader: false });
    for (const event of ['request', 'checkContinue', 'checkExpectation'] as const) {
      this.#server.on(event, (incoming, response) => {
        record(this.#readingOf(incoming.socket), incoming);
        response.end();
      });
    }
    this.#server.on('connect', (incoming, socket) => {
      record(this.#readingOf(socket), incoming);
      this.#readingOf(socket).messages.at(-1)!.isComplete = true;
    });
    // Leaves the connection open: what has been parsed before the refusal has yet to be told.
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.#readingOf(socket).refusal ??= error.code ?? 'unknown';
    });
  }

  async read(bytes: Buffer): Promise<NodeReading> {
    const [ours, theirs] = duplexPair();
    const reading = createReading();
    this.#readings.set(theirs, reading);
    theirs.on('error', () => {});
    this.#server.emit('connection', theirs);
    await send(ours, bytes);
    ours.destroy();
    theirs.destroy();
    this.#readings.delete(theirs);
    return reading;
  }

  close(): void {
    this.#server.close();
  }

  #readingOf(socket: Duplex): NodeReading {
    return this.#readings.get(socket) ?? createReading();
  }
}

/** Reads what an upstream sends for a request of this method. */
export async function readNodeResponse(bytes: Buffer, method: string): Promise<NodeReading> {
  const [ours, theirs] = duplexPair();
  const reading = createReading();
  const asked = request({ ...parserOptions, method, host: 'a', createConnection: () => theirs });
  const refuse = (error: NodeJS.ErrnoException) => {
    reading.refusal ??= error.code ?? 'unknown';
  };
  theirs.on('error', () => {});
  asked.on('error', refuse);
  asked.on('information', ({ statusCode, rawHeaders }) =>
    reading.informational.push({ status: statusCode, rawFields: rawHeaders }),
  );
  asked.on('response', (incoming) => {
    record(reading, incoming);
    incoming.on('error', refuse);
  });
  asked.on('upgrade', (incoming) => {
    record(reading, incoming);
    reading.messages.at(-1)!.isComplete = true;
  });
  asked.end();
  await send(ours, bytes);
  asked.destroy();
  ours.destroy();
  theirs.destroy();
  return reading;
}
