/**
 * Plays an example of a page against a real gateway, in front of a service that answers everything with `served`; but the first
 * time that it is asked for something that ends in `lost-once`, it loses the connection.
 */
import { parse } from 'yaml';
import type { GatewayInput } from '#config/define-gateway.ts';
import { fieldOf, readAnswers } from '#test/support/answers.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';
import { type Example, isAsShown, type Message, type Transcript } from './page-examples.ts';

const SERVED = 'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nserver: shop/1.4\r\ncontent-length: 7\r\n\r\nserved\n';

/** What every message has, so that pages need not show it. */
const commonAnswerFields = ['date', 'x-request-id', 'content-length', 'connection'];
const commonRequestFields = [
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'forwarded',
  'via',
  'content-length',
];

/** What is not as the page shows it; empty when everything is. */
export async function playExample({ configuration, transcripts }: Example): Promise<string[]> {
  const received: string[] = [];
  const lost = new Set<string>();
  const upstream = await startRawUpstream((connection, chunk) => {
    received.push(chunk);
    const [start = ''] = chunk.split('\r\n');
    const isLost = start.includes('/lost-once ') && !lost.has(start);
    lost.add(start);
    if (isLost) connection.socket.resetAndDestroy();
    else connection.send(SERVED);
  });
  const gateway = await startTestGateway(toPlayable(parse(configuration) as GatewayInput, upstream.url));
  try {
    const problems: string[] = [];
    for (const transcript of transcripts) {
      received.length = 0;
      const answer = await exchange(gateway.port(Object.keys(parse(configuration).listeners)[0]), transcript.request);
      problems.push(...compare(transcript, answer, received).map((problem) => `line ${transcript.line}: ${problem}`));
    }
    return problems;
  } finally {
    await gateway.stop();
    await upstream.close();
  }
}

/** The same on free ports, with every service at one place. */
function toPlayable({ admin: _, accessLog: __, ...input }: GatewayInput, upstreamUrl: string): Partial<GatewayInput> {
  const listeners = Object.entries(input.listeners).map(([name, listener]) => [name, { ...listener, address: '127.0.0.1:0' }]);
  const services = Object.entries(input.services ?? {}).map(([name, service]) => [
    name,
    { ...service, endpoints: [upstreamUrl] },
  ]);
  return { ...input, listeners: Object.fromEntries(listeners), services: Object.fromEntries(services) };
}

async function exchange(port: number, { start, fields, body }: Message): Promise<string> {
  const client = await RawClient.open(port);
  const length: [string, string][] = body === '' ? [] : [['content-length', String(Buffer.byteLength(body))]];
  const lines = [...fields, ...length, ['connection', 'close']].map(([name, value]) => `${name}: ${value}\r\n`);
  client.send(Buffer.from(`${start}\r\n${lines.join('')}\r\n${body}`));
  const text = await client.untilEnd();
  client.close();
  return Buffer.from(text, 'latin1').toString('utf8');
}

function compare({ request, answer, received }: Transcript, actual: string, seen: readonly string[]): string[] {
  const read = readAnswers(actual, [request.start.split(' ')[0]!]).answers[0];
  if (read === undefined) return [`no whole answer came, but ${JSON.stringify(actual)}`];
  const body = isAsShown(answer.body, read.body.trim()) ? [] : [`the body is ${JSON.stringify(read.body)}`];
  const problems = [...compareHeads('answer', answer, read.head, commonAnswerFields), ...body];
  if (received === undefined) return problems;
  const head = seen[0]?.split('\r\n\r\n')[0];
  return head === undefined
    ? [...problems, 'the service received nothing']
    : [...problems, ...compareHeads('received request', received, head, commonRequestFields)];
}

function compareHeads(what: string, shown: Message, head: string, commonFields: readonly string[]): string[] {
  const problems: string[] = [];
  const [start = '', ...lines] = head.split('\r\n');
  if (!isAsShown(shown.start, start)) problems.push(`the ${what} begins with ${start}`);
  for (const [name, value] of shown.fields) {
    const actual = fieldOf({ status: 0, head, body: '' }, name);
    if (actual === undefined || !isAsShown(value, actual)) problems.push(`the ${what} has ${name}: ${actual}`);
  }
  const expected = new Set([...commonFields, ...shown.fields.map(([name]) => name)]);
  for (const line of lines) {
    if (!expected.has(line.slice(0, line.indexOf(':')))) problems.push(`the ${what} also has ${line}`);
  }
  return problems;
}
