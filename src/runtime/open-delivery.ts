/** Opens what lines are sent with. Loaded by configurations that send some. */
import { hostname } from 'node:os';
import { createChanceSource } from '#base/chance.ts';
import type { Clock } from '#base/clock.ts';
import type { LogSettings } from '#config/access-log/access-log-schema.ts';
import type { KafkaTarget } from '#config/access-log/kafka-target-schema.ts';
import type { SyslogTarget } from '#config/access-log/syslog-target-schema.ts';
import type { PostTarget, RemoteTarget } from '#config/access-log/target-schema.ts';
import type { KafkaProducerSettings } from '#telemetry/delivery/kafka-producer.ts';
import type { DeliveryOwner, LineDelivery } from '#telemetry/delivery/line-delivery.ts';
import { PostedLines, plainEncoder } from '#telemetry/delivery/posted-lines.ts';
import { SyslogMessages } from '#telemetry/delivery/syslog-message.ts';
import { OtlpTransport } from '#telemetry/otlp/otlp-transport.ts';

export interface DeliveryMeans {
  readonly clock: Clock;
  readonly owner: DeliveryOwner;
  /** A message was too long. */
  onCut(): void;
  /** Contents of files that the configuration names, by path. */
  readonly texts: Readonly<Record<string, string>>;
  /** What is said of the gateway. */
  readonly resource: Readonly<Record<string, string>>;
}

export async function openDelivery(settings: LogSettings, target: RemoteTarget, means: DeliveryMeans): Promise<LineDelivery> {
  if (target.kind === 'syslog') {
    const ca = target.ca === undefined ? undefined : means.texts[target.ca];
    return openSyslog(target, { messageId: 'access', ca, owner: means.owner, onCut: means.onCut });
  }
  if (target.kind === 'kafka') return openKafka(target, means);
  const isJson = settings.format === undefined || settings.format.kind === 'json';
  if (target.kind === 'http') {
    const contentType = target.contentType ?? (isJson ? 'application/x-ndjson' : 'text/plain; charset=utf-8');
    return new PostedLines(openTransport(target, contentType, means), plainEncoder, means.owner);
  }
  const { OtlpLines } = await import('#telemetry/delivery/otlp-lines.ts');
  return new PostedLines(openTransport(target, 'application/x-protobuf', means), new OtlpLines(settings, means), means.owner);
}

function openTransport(target: PostTarget, contentType: string, { clock, texts }: DeliveryMeans): OtlpTransport {
  const { url, headers, timeout, retryFor, gzip, ca } = target;
  return new OtlpTransport({
    url,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()])),
    contentType,
    compresses: gzip,
    timeoutMs: timeout,
    retryForMs: retryFor,
    ca: ca === undefined ? undefined : texts[ca],
    clock,
    random: createChanceSource(),
    later,
  });
}

export interface SyslogMeans extends Pick<DeliveryMeans, 'owner' | 'onCut'> {
  readonly messageId: string;
  readonly ca: string | undefined;
}

/** What receivers of datagrams are sure to take is far less, what most of them take is this (RFC 5426 §3.2). */
const DATAGRAM_LENGTH_MAX = 8 * 1024;

export async function openSyslog(target: SyslogTarget, { messageId, ca, owner, onCut }: SyslogMeans): Promise<LineDelivery> {
  const { server, facility, app, maxMessage, sequence } = target;
  const isUdp = server.transport === 'udp';
  const lengthMax = maxMessage ?? (isUdp ? DATAGRAM_LENGTH_MAX : undefined);
  const origin = { facility, app, host: hostname(), processId: process.pid };
  const messages = new SyslogMessages({ ...origin, messageId, isNumbered: sequence, lengthMax, onCut });
  if (isUdp) {
    const { SyslogDatagrams } = await import('#telemetry/delivery/syslog-datagrams.ts');
    return new SyslogDatagrams({ host: server.host, port: server.port, messages, owner, later });
  }
  const { SyslogStream } = await import('#telemetry/delivery/syslog-stream.ts');
  return new SyslogStream({ server, ca, messages, owner, later });
}

async function openKafka(target: KafkaTarget, { texts, owner }: DeliveryMeans): Promise<LineDelivery> {
  const { KafkaLines } = await import('#telemetry/delivery/kafka-lines.ts');
  const { ThreadedKafkaSender } = await import('./kafka-sender.ts');
  const sender = new ThreadedKafkaSender(toProducerSettings(target, texts));
  return new KafkaLines({ sender, owner, batchBytesMax: target.maxBatch, later });
}

function toProducerSettings(target: KafkaTarget, texts: DeliveryMeans['texts']): KafkaProducerSettings {
  const { brokers, topic, acks, compression, timeout, tls, sasl } = target;
  const { ca, certificate } = tls ?? {};
  return {
    brokers,
    topic,
    acks,
    compression,
    timeoutMs: timeout,
    tls: tls && {
      ...(ca !== undefined && { ca: texts[ca]! }),
      ...(certificate !== undefined && { cert: texts[certificate.cert]!, key: texts[certificate.key]! }),
    },
    serverName: tls?.serverName,
    sasl: sasl && { ...sasl, password: sasl.password.reveal() },
  };
}

function later(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}
