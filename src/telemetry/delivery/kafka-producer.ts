/**
 * Sends lines to Kafka with a library. It is used in a thread of its own, because of what the library does where it is not at its best:
 * see docs/decisions/0064-kafka.md.
 */
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import { type GenericError, type MessageToProduce, Producer, type SASLOptions } from '@platformatic/kafka';
import type { KafkaTarget } from '#config/access-log/kafka-target-schema.ts';
import type { KafkaOutcome } from './kafka-lines.ts';
import { splitLines } from './line-delivery.ts';

/** What a thread is told of a target: all of it is plain. */
export interface KafkaProducerSettings extends Pick<KafkaTarget, 'brokers' | 'topic' | 'acks' | 'compression'> {
  readonly timeoutMs: number;
  /** PEM texts. */
  readonly tls: { readonly ca?: string; readonly cert?: string; readonly key?: string } | undefined;
  /** Of all brokers; without one, each has its host's. */
  readonly serverName: string | undefined;
  readonly sasl: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string } | undefined;
}

type SaslMechanism = NonNullable<KafkaTarget['sasl']>['mechanism'];

export interface KafkaProducerMeans {
  /** Runs something later; the result takes it back. */
  readonly later: (delayMs: number, run: () => void) => () => void;
}

const acksOf = { all: -1, leader: 1, none: 0 } as const;
const mechanismOf = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const;
/** What brokers say of a batch that they would say of it again. */
const finalErrors: ReadonlySet<unknown> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'CORRUPT_MESSAGE',
]);

export class KafkaProducer {
  readonly #settings: KafkaProducerSettings;
  readonly #means: KafkaProducerMeans;
  #producer: Producer<Buffer, Buffer, Buffer, Buffer> | undefined;
  /** Which broker is asked first. Another one each time when something has failed. */
  #turn = 0;
  /** A batch has one partition, so that all of it is sent or none. The library takes the remainder by how many there are. */
  #partition = 0;

  constructor(settings: KafkaProducerSettings, means: KafkaProducerMeans) {
    this.#settings = settings;
    this.#means = means;
  }

  async send(lines: Uint8Array): Promise<KafkaOutcome> {
    const { acks, compression, topic } = this.#settings;
    const partition = this.#partition++;
    const messages: MessageToProduce<Buffer, Buffer, Buffer, Buffer>[] = [];
    for (const line of splitLines(lines))
      messages.push({ topic, partition, value: Buffer.from(line.buffer, line.byteOffset, line.length) });
    try {
      this.#producer ??= this.#open();
      await this.#inTime(this.#producer.send({ messages, acks: acksOf[acks], compression }));
      return { kind: 'sent' };
    } catch (error) {
      // What it knows of brokers may be what is wrong, and nothing of it is worth keeping.
      await this.close();
      this.#turn += 1;
      const reason = explainError(error);
      return { kind: finalErrors.has(reason) ? 'refused' : 'unsent', reason };
    }
  }

  async close(): Promise<void> {
    const producer = this.#producer;
    this.#producer = undefined;
    // Whatever it still waits for fails by that, which has been told of.
    await producer?.close(true).catch(() => undefined);
  }

  #open(): Producer<Buffer, Buffer, Buffer, Buffer> {
    const { brokers, timeoutMs, tls, serverName, sasl } = this.#settings;
    const first = this.#turn % brokers.length;
    const ownTls: ConnectionOptions | undefined = tls && { ...tls };
    const producer = new Producer<Buffer, Buffer, Buffer, Buffer>({
      clientId: 'gatehouse',
      bootstrapBrokers: [...brokers.slice(first), ...brokers.slice(0, first)],
      // Whoever asks tries again, and knows when it is too late for that.
      retries: 0,
      connectTimeout: timeoutMs,
      requestTimeout: timeoutMs,
      timeout: timeoutMs,
      autocreateTopics: false,
      ...(ownTls !== undefined && { tls: ownTls }),
      ...(sasl !== undefined && { sasl: { ...sasl, mechanism: mechanismOf[sasl.mechanism] } satisfies SASLOptions }),
    });
    producer.connections.on('connecting', ({ broker, connection }) => {
      // RFC 6066 §3: an address is no server name. The library, which has one name for all, copies what is here with its next step.
      if (ownTls !== undefined) ownTls.servername = serverName ?? (isIP(broker.host) === 0 ? broker.host : undefined);
      // A connection that breaks while it logs in tells of two errors, and the library listens for one.
      connection.on('error', () => undefined);
    });
    return producer;
  }

  /** Its own limits are for each of the steps that sending takes. */
  #inTime<Result>(sending: Promise<Result>): Promise<Result> {
    const { timeoutMs } = this.#settings;
    return new Promise((resolve, reject) => {
      const takeBack = this.#means.later(timeoutMs, () => reject(new SlowBrokers(timeoutMs)));
      sending.then(resolve, reject).finally(takeBack);
    });
  }
}

class SlowBrokers extends Error {
  override readonly name = 'SlowBrokers';

  constructor(timeoutMs: number) {
    super(`no answer within ${timeoutMs} ms`);
  }
}

type ExplainedError = Partial<GenericError> & Partial<Pick<AggregateError, 'errors'>> & { readonly apiId?: string };

/** What lies deepest: what a broker has said, the code of the operating system, or a message. */
function explainError(error: unknown): string {
  const { apiId, cause, code, errors, message } = error as ExplainedError;
  const inner: unknown = cause ?? errors?.at(-1);
  if (apiId !== undefined) return apiId;
  if (inner !== undefined) return explainError(inner);
  return code === undefined || code.startsWith('PLT_KFK_') ? (message ?? String(error)) : code;
}
