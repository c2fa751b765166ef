/**
 * A name server that knows the names it is told (RFC 1035 §4): A, AAAA and SRV records. What is too long for UDP is asked for
 * again over TCP.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, isIPv6, type Socket } from 'node:net';

export interface ServiceRecord {
  readonly priority: number;
  readonly weight: number;
  readonly port: number;
  readonly host: string;
}

export interface NameRecord {
  readonly addresses?: readonly string[];
  readonly services?: readonly ServiceRecord[];
  readonly ttlSeconds: number;
}

/** How a name server fails: it says so, or it says nothing. */
export type NameFault = 'SERVFAIL' | 'silent';

export interface NameServer {
  /** As `dns.servers` takes it. */
  readonly address: string;
  readonly records: Map<string, NameRecord>;
  /** Names that are not answered as they should be. `AAAA name` is about one kind of records alone. */
  readonly faults: Map<string, NameFault>;
  /** `A name`, `AAAA name` or `SRV name`, in the order in which they were asked. */
  readonly queries: readonly string[];
  close(): Promise<void>;
}

const TYPE_A = 1;
const TYPE_AAAA = 28;
const TYPE_SRV = 33;
const typeNames: Readonly<Record<number, string>> = { [TYPE_A]: 'A', [TYPE_AAAA]: 'AAAA', [TYPE_SRV]: 'SRV' };
const SERVER_FAILURE = 2;
const NAME_ERROR = 3;
const TRUNCATED = 0x0200;
/** RFC 1035 §4.2.1. */
const UDP_BYTES_MAX = 512;

export async function startNameServer(names: Readonly<Record<string, NameRecord>>): Promise<NameServer> {
  const records = new Map(Object.entries(names));
  const faults = new Map<string, NameFault>();
  const queries: string[] = [];
  const answer = (query: Buffer): Buffer | undefined => {
    const question = readQuestion(query);
    const asked = `${typeNames[question.type]} ${question.name}`;
    queries.push(asked);
    const fault = faults.get(asked) ?? faults.get(question.name);
    if (fault === 'silent') return undefined;
    return fault === undefined
      ? toAnswer(query, question, records.get(question.name))
      : toRefusal(query, question, SERVER_FAILURE);
  };
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => socket.destroy()));
    // One question for each connection, in one piece: that is how it is asked here.
    socket.on('data', (framed: Buffer) => {
      const bytes = answer(framed.subarray(2));
      if (bytes !== undefined) socket.write(Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 0xff]), bytes]));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const socket = createSocket('udp4');
  socket.on('message', (query, from) => {
    const bytes = answer(query);
    if (bytes !== undefined) socket.send(bytes.length > UDP_BYTES_MAX ? truncate(query, bytes) : bytes, from.port, from.address);
  });
  socket.bind(port, '127.0.0.1');
  await once(socket, 'listening');
  let isClosed = false;
  return {
    address: `127.0.0.1:${port}`,
    records,
    faults,
    queries,
    async close() {
      if (isClosed) return;
      isClosed = true;
      for (const open of sockets) open.destroy();
      server.close();
      socket.close();
      await Promise.all([once(socket, 'close'), once(server, 'close')]);
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

function toAnswer(query: Buffer, question: Question, record: NameRecord | undefined): Buffer {
  if (record === undefined) return toRefusal(query, question, NAME_ERROR);
  const data = toData(question.type, record);
  const answers = data.map((bytes) => toRecord(bytes, question.type, record.ttlSeconds));
  return Buffer.concat([toHeader(query, 0, answers.length), query.subarray(12, question.end), ...answers]);
}

function toRefusal(query: Buffer, { end }: Question, code: number): Buffer {
  return Buffer.concat([toHeader(query, code, 0), query.subarray(12, end)]);
}

function truncate(query: Buffer, answer: Buffer): Buffer {
  const { end } = readQuestion(query);
  const header = toHeader(query, 0, 0);
  header.writeUInt16BE(header.readUInt16BE(2) | TRUNCATED, 2);
  return Buffer.concat([header, answer.subarray(12, end)]);
}

function toHeader(query: Buffer, code: number, answers: number): Buffer {
  const header = Buffer.alloc(12);
  query.copy(header, 0, 0, 2);
  header.writeUInt16BE(0x8180 | code, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(answers, 6);
  return header;
}

function toData(type: number, { addresses = [], services = [] }: NameRecord): Buffer[] {
  if (type === TYPE_SRV) return services.map(toServiceData);
  const asked = addresses.filter((address) => isIPv6(address) === (type === TYPE_AAAA));
  return asked.map((address) => (type === TYPE_A ? Buffer.from(address.split('.').map(Number)) : toIPv6Bytes(address)));
}

function toRecord(data: Buffer, type: number, ttlSeconds: number): Buffer {
  const head = Buffer.alloc(12);
  // The name is the one of the question, at byte 12.
  head.writeUInt16BE(0xc00c, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt32BE(ttlSeconds, 6);
  head.writeUInt16BE(data.length, 10);
  return Buffer.concat([head, data]);
}

/** RFC 2782. */
function toServiceData({ priority, weight, port, host }: ServiceRecord): Buffer {
  const numbers = Buffer.alloc(6);
  numbers.writeUInt16BE(priority, 0);
  numbers.writeUInt16BE(weight, 2);
  numbers.writeUInt16BE(port, 4);
  const labels = host.split('.').filter((label) => label !== '');
  const name = labels.flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  return Buffer.concat([numbers, ...name, Buffer.from([0])]);
}

function toIPv6Bytes(address: string): Buffer {
  const [before, after] = address.split('::').map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - before!.length - (after ?? []).length;
  const groups = after === undefined ? before! : [...before!, ...Array<string>(missing).fill('0'), ...after];
  const bytes = Buffer.alloc(16);
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
  return bytes;
}
