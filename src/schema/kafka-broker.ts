/** Where a broker of Kafka is. Every one has its port: there is no usual one that all of them keep to. */
import { isIP } from 'node:net';
import type { z } from 'zod';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

export interface KafkaBroker {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

const BROKER_PATTERN = /^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/;
const EXAMPLE = 'kafka-1.example.com:9092';

export function readKafkaBroker(text: string): Reading<KafkaBroker> {
  const [, written, port] = BROKER_PATTERN.exec(text) ?? [];
  if (written === undefined) return { problem: explain(text) };
  const host = written.replace(/^\[|\]$/g, '');
  if (written.startsWith('[') && isIP(host) !== 6) return { problem: explain(text) };
  if (Number(port) < 1 || Number(port) > 65_535) return { problem: `${quote(text)}: a port is a number from 1 to 65535` };
  return { value: { host, port: Number(port) } };
}

/** The address of a broker: `HOST:PORT`. */
export function kafkaBroker(): z.ZodType<KafkaBroker, string> {
  return textKind({
    noun: 'the address of a broker',
    examples: [EXAMPLE, '[2001:db8::7]:9093'],
    pattern: BROKER_PATTERN,
    help: 'A broker: `HOST:PORT`.',
    read: readKafkaBroker,
  });
}

function explain(text: string): string {
  // Not even quoted: it holds a password, most likely.
  if (text.includes('@')) return 'the address holds a user or a password; write them as `sasl`';
  if (text.includes('://')) return `${quote(text)} is no address of a broker; leave out the scheme, and write \`tls\` beside it`;
  if (text.includes(',')) return `${quote(text)} are several brokers; write them as a list`;
  if (/^[A-Za-z0-9._-]+$/.test(text)) return `${quote(text)} has no port; write \`${text}:9092\`, or whichever it is`;
  return `${quote(text)} is no address of a broker; write one such as \`${EXAMPLE}\``;
}
