/**
 * A broker that knows as much of Kafka's protocol as it takes to refuse, to let somebody log in, and to take messages that are not
 * compressed: what clusters for tests do not do. Everybody else is better served by `kafka-cluster.ts`.
 */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import { createServer as createTlsServer, TLSSocket, type TlsOptions } from 'node:tls';

const apiKeys = { produce: 0, metadata: 3, saslHandshake: 17, apiVersions: 18, saslAuthenticate: 36 } as const;
/** Of each API: the only version that it knows. */
const apiVersions: readonly (readonly [number, number])[] = [
  [apiKeys.produce, 7],
  [apiKeys.metadata, 1],
  [apiKeys.saslHandshake, 1],
  [apiKeys.apiVersions, 3],
  [apiKeys.saslAuthenticate, 0],
];
const UNKNOWN_TOPIC_OR_PARTITION = 3;
const SASL_AUTHENTICATION_FAILED = 58;
const ITERATIONS = 4_096;

export interface KafkaBrokerOptions {
  readonly tls?: TlsOptions;
  readonly user?: { readonly username: string; readonly password: string };
  readonly topics?: readonly string[];
  /** The host that it is said to be at; the one of its address when not given. */
  readonly advertised?: string;
  /** What is said of each batch instead of taking it. */
  readonly refusal?: number;
  /** Does something else with a connection instead of answering. */
  readonly onConnection?: (socket: Socket) => void;
  /** Hears how much has come at once. */
  readonly onRead?: (socket: Socket, bytes: number) => void;
}

/** As brokers do with a batch that wants no acknowledgement. */
const SILENCE = 'silence';

export class KafkaBroker {
  readonly #server: Server;
  readonly #options: KafkaBrokerOptions;
  readonly #sockets = new Set<Socket>();
  readonly messages: string[] = [];
  /** What it was asked for, by connections with TLS. */
  readonly serverNames: (string | false | null)[] = [];
  readonly topics: Set<string>;
  connections = 0;

  private constructor(options: KafkaBrokerOptions) {
    this.#options = options;
    this.topics = new Set(options.topics ?? ['logs']);
    this.#server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
    this.#server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => this.#serve(socket));
    this.#server.on('connection', (socket: Socket) => {
      this.connections += 1;
      this.#sockets.add(socket);
    });
  }

  /** It is ended after the test. */
  static async start(t: TestContext, options: KafkaBrokerOptions = {}): Promise<KafkaBroker> {
    const broker = new KafkaBroker(options);
    broker.#server.listen(0, '127.0.0.1');
    await once(broker.#server, 'listening');
    t.after(async () => {
      for (const socket of broker.#sockets) socket.destroy();
      broker.#server.close();
      await once(broker.#server, 'close');
    });
    return broker;
  }

  get address(): string {
    return `${this.#host}:${this.#port}`;
  }

  get #host(): string {
    return this.#options.tls === undefined ? '127.0.0.1' : 'localhost';
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #serve(socket: Socket): void {
    // Whoever does not trust it breaks the connection.
    socket.on('error', () => undefined);
    const isUnknown = socket instanceof TLSSocket && Object.keys(socket.getPeerCertificate()).length === 0;
    if (this.#options.tls?.requestCert === true && isUnknown) return void socket.destroy();
    if (socket instanceof TLSSocket) this.serverNames.push(socket.servername);
    if (this.#options.onConnection !== undefined) return this.#options.onConnection(socket);
    const login = this.#options.user === undefined ? undefined : new Login(this.#options.user);
    let read = Buffer.alloc(0);
    socket.on('data', (bytes: Buffer) => {
      this.#options.onRead?.(socket, bytes.length);
      read = Buffer.concat([read, bytes]);
      while (read.length >= 4 && read.length >= 4 + read.readInt32BE()) {
        const end = 4 + read.readInt32BE();
        const answer = this.#answer(new Fields(read.subarray(4, end)), login);
        read = read.subarray(end);
        if (answer === SILENCE) continue;
        if (answer === undefined) return void socket.destroy();
        socket.write(Buffer.concat([int32(answer.length), answer]));
      }
    });
  }

  #answer(request: Fields, login: Login | undefined): Buffer | typeof SILENCE | undefined {
    const [key, version, correlationId] = [request.int16(), request.int16(), request.int32()];
    request.text();
    const isFree = key === apiKeys.apiVersions || key === apiKeys.saslHandshake || key === apiKeys.saslAuthenticate;
    // As real ones do with who has not logged in, or asks for what they do not know.
    if (login?.isDone === false && !isFree) return undefined;
    const body = this.#answerTo(key, version, request, login);
    return body === undefined || body === SILENCE ? body : Buffer.concat([int32(correlationId), ...body]);
  }

  #answerTo(key: number, version: number, request: Fields, login: Login | undefined): Buffer[] | typeof SILENCE | undefined {
    switch (key) {
      case apiKeys.apiVersions:
        return answerApiVersions(version);
      case apiKeys.metadata:
        return this.#answerMetadata(request);
      case apiKeys.produce:
        return this.#answerProduce(request);
      case apiKeys.saslHandshake:
        login?.begin(request.text());
        return [int16(0), int32(0)];
      case apiKeys.saslAuthenticate: {
        const answer = login?.proceed(request.bytes().toString());
        return answer === undefined
          ? [int16(SASL_AUTHENTICATION_FAILED), text('no'), int32(0)]
          : [int16(0), int16(-1), int32(answer.length), Buffer.from(answer)];
      }
      default:
        return undefined;
    }
  }

  #answerMetadata(request: Fields): Buffer[] {
    const { advertised = this.#host } = this.#options;
    const broker = [int32(1), int32(7), text(advertised), int32(this.#port), int16(-1), int32(7)];
    const topics = request
      .list(() => request.text())
      .map((topic) => {
        if (!this.topics.has(topic))
          return Buffer.concat([int16(UNKNOWN_TOPIC_OR_PARTITION), text(topic), Buffer.of(0), int32(0)]);
        const partition = [int16(0), int32(0), int32(7), int32(1), int32(7), int32(1), int32(7)];
        return Buffer.concat([int16(0), text(topic), Buffer.of(0), int32(1), ...partition]);
      });
    return [...broker, int32(topics.length), ...topics];
  }

  #answerProduce(request: Fields): Buffer[] | typeof SILENCE {
    const { refusal } = this.#options;
    request.text();
    const acks = request.int16();
    request.int32();
    const topics = request.list(() => {
      const topic = request.text();
      const partitions = request.list(() => {
        const index = request.int32();
        const records = request.bytes();
        if (refusal === undefined) this.messages.push(...readMessages(records));
        return Buffer.concat([int32(index), int16(refusal ?? 0), Buffer.alloc(24)]);
      });
      return Buffer.concat([text(topic), int32(partitions.length), ...partitions]);
    });
    return acks === 0 ? SILENCE : [int32(topics.length), ...topics, int32(0)];
  }
}

function answerApiVersions(version: number): Buffer[] {
  const isCompact = version >= 3;
  const versions = apiVersions.map(([key, only]) =>
    Buffer.concat([int16(key), int16(only), int16(only), ...(isCompact ? [Buffer.of(0)] : [])]),
  );
  const count = isCompact ? Buffer.of(versions.length + 1) : int32(versions.length);
  return [int16(0), count, ...versions, int32(0), ...(isCompact ? [Buffer.of(0)] : [])];
}

/** PLAIN (RFC 4616) and SCRAM (RFC 5802), as the one who knows the password. */
class Login {
  readonly #user: NonNullable<KafkaBrokerOptions['user']>;
  #hash: 'sha256' | 'sha512' | undefined;
  #firstWords: string | undefined;
  isDone = false;

  constructor(user: NonNullable<KafkaBrokerOptions['user']>) {
    this.#user = user;
  }

  begin(mechanism: string): void {
    this.#hash = mechanism === 'SCRAM-SHA-256' ? 'sha256' : mechanism === 'SCRAM-SHA-512' ? 'sha512' : undefined;
  }

  proceed(said: string): string | undefined {
    const { username, password } = this.#user;
    if (this.#hash === undefined) {
      this.isDone = said === `\0${username}\0${password}`;
      return this.isDone ? '' : undefined;
    }
    if (this.#firstWords !== undefined) return this.#verify(this.#hash, this.#firstWords, said);
    const bare = said.slice('n,,'.length);
    const answer = `r=${/r=([^,]+)/.exec(bare)![1]}server,s=${Buffer.from('salt').toString('base64')},i=${ITERATIONS}`;
    this.#firstWords = `${bare},${answer}`;
    return answer;
  }

  #verify(hash: string, firstWords: string, said: string): string | undefined {
    const hmac = (key: Buffer, words: string) => createHmac(hash, key).update(words).digest();
    const salted = pbkdf2Sync(this.#user.password, 'salt', ITERATIONS, hash === 'sha256' ? 32 : 64, hash);
    const [, withoutProof, proof] = /^(.*),p=(.*)$/.exec(said)!;
    const words = `${firstWords},${withoutProof}`;
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash(hash).update(clientKey).digest(), words);
    const shown = Buffer.from(proof!, 'base64').map((byte, i) => byte ^ signature[i]!);
    this.isDone = timingSafeEqual(shown, clientKey);
    return this.isDone ? `v=${hmac(hmac(salted, 'Server Key'), words).toString('base64')}` : undefined;
  }
}

class Fields {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  skip(length: number): void {
    this.#at += length;
  }

  int16(): number {
    return this.take(2).readInt16BE();
  }

  int32(): number {
    return this.take(4).readInt32BE();
  }

  /** Zigzag, as in records. */
  varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
  }

  text(): string {
    return this.take(this.int16()).toString();
  }

  bytes(): Buffer {
    return this.take(this.int32());
  }

  take(length: number): Buffer {
    const start = this.#at;
    this.#at += Math.max(length, 0);
    return this.#bytes.subarray(start, this.#at);
  }

  list<Item>(read: () => Item): Item[] {
    return Array.from({ length: this.int32() }, read);
  }
}

/** Where the records of a batch (version 2) begin. */
const RECORDS_AT = 61;

function readMessages(batch: Buffer): string[] {
  const fields = new Fields(batch.subarray(RECORDS_AT));
  const messages: string[] = [];
  while (!fields.isAtEnd) {
    const record = new Fields(fields.take(fields.varint()));
    record.skip(1);
    record.varint();
    record.varint();
    record.take(record.varint());
    messages.push(record.take(record.varint()).toString());
  }
  return messages;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([int16(value.length), Buffer.from(value)]);
}
