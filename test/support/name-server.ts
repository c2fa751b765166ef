/** A name server on UDP that knows the names it is told (RFC 1035 §4), A and AAAA records only. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

export interface NameRecord {
  readonly addresses: readonly string[];
  readonly ttlSeconds: number;
}

export interface NameServer {
  /** As `dns.servers` takes it. */
  readonly address: string;
  readonly records: Map<string, NameRecord>;
  /** `A name` or `AAAA name`, in the order in which they were asked. */
  readonly queries: readonly string[];
  close(): Promise<void>;
}

const TYPE_A = 1;
const TYPE_AAAA = 28;
const NAME_ERROR = 3;

export async function startNameServer(names: Readonly<Record<string, NameRecord>>): Promise<NameServer> {
  const records = new Map(Object.entries(names));
  const queries: string[] = [];
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const question = readQuestion(query);
    queries.push(`${question.type === TYPE_AAAA ? 'AAAA' : 'A'} ${question.name}`);
    socket.send(toAnswer(query, question, records.get(question.name)), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  let isClosed = false;
  return {
    address: `127.0.0.1:${socket.address().port}`,
    records,
    queries,
    async close() {
      if (isClosed) return;
      isClosed = true;
      socket.close();
      await once(socket, 'close');
    },
  };
}

interface Question {
  readonly name: string;
  readonly type: number;
  readonly end: number;
}

function readQuestion(query: Buffer): Question {
  const labels: string[] = [];
  let position = 12;
  for (let length = query[position]!; length > 0; length = query[position]!) {
    labels.push(query.latin1Slice(position + 1, position + 1 + length));
    position += 1 + length;
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(position + 1), end: position + 5 };
}

function toAnswer(query: Buffer, { type, end }: Question, record: NameRecord | undefined): Buffer {
  const addresses = (record?.addresses ?? []).filter((address) => isIPv6(address) === (type === TYPE_AAAA));
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | (record === undefined ? NAME_ERROR : 0), 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(addresses.length, 6);
  const answers = addresses.map((address) => toRecord(address, type, record!.ttlSeconds));
  return Buffer.concat([header, query.subarray(12, end), ...answers]);
}

function toRecord(address: string, type: number, ttlSeconds: number): Buffer {
  const data = type === TYPE_A ? Buffer.from(address.split('.').map(Number)) : toIPv6Bytes(address);
  const head = Buffer.alloc(12);
  // The name is the one of the question, at byte 12.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

function toIPv6Bytes(address: string): Buffer {
  const [before, after] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - before!.length - (after ?? []).length;
  const groups = after === undefined ? before! : [...before!, ...Array<string>(missing).fill('0'), ...after];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return bytes;
}
