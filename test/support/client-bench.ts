/**
 * A gateway whose clients are under test: routes that it answers itself (`/local/*`), and the rest forwarded to a raw
 * upstream. After the test nothing may be left of any client.
 */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Clock } from '#base/clock.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { type ReadAnswer, readAnswers, takeChunks } from './answers.ts';
import { eventually } from './eventually.ts';
import { RawClient } from './raw-client.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from './raw-upstream.ts';
import { startTestGateway, type TestGateway } from './test-gateway.ts';

export interface ClientBenchOptions {
  readonly clock?: Clock;
  /** What the upstream does; without it, it answers each whole request with what it was asked. */
  readonly onData?: (connection: UpstreamConnection, chunk: string) => void;
  /** Settings of the one listener. */
  readonly listener?: Partial<NonNullable<GatewayInput['listeners']>[string]>;
  readonly routes?: GatewayInput['routes'];
  readonly gateway?: Partial<GatewayInput>;
}

export interface ClientBench {
  readonly gateway: TestGateway;
  readonly upstream: RawUpstream;
  /** The configuration that the gateway was started with. */
  readonly input: Partial<GatewayInput>;
  /** Everything that the upstream was sent, by connection. */
  readonly received: readonly string[];
  /** From another address of this machine when one is given. */
  open(localAddress?: string): Promise<RawClient>;
  /** Sends on a connection of its own, and returns all that came until the gateway ended it. */
  exchange(bytes: string): Promise<string>;
  /** Resolves when the gateway has no client connection any more, whatever its clients think. */
  untilNoConnections(): Promise<void>;
  /** Closes the clients, ends the gateway, and returns its access log. */
  log(): Promise<Record<string, unknown>[]>;
}

/** Starts the gateway and the upstream, and sees to their end. */
export async function startClientBench(t: TestContext, options: ClientBenchOptions = {}): Promise<ClientBench> {
  const upstream = await startRawUpstream(options.onData ?? onEachWholeRequest(describeRequest));
  const input = toInput(upstream, options);
  const gateway = await startTestGateway(input, options.clock === undefined ? {} : { clock: options.clock });
  // A gateway that has drained has no plane any more.
  const { plane } = gateway.control;
  const clients: RawClient[] = [];
  const open = async (localAddress?: string) => {
    const client = await RawClient.open(gateway.port(), '127.0.0.1', localAddress);
    clients.push(client);
    return client;
  };
  const untilNoConnections = () => eventually(() => plane?.connectionCount === 0, 'the gateway has no client connection left');
  let lines: Promise<Record<string, unknown>[]> | undefined;
  const end = async () => {
    for (const client of clients) client.close();
    try {
      await untilNoConnections();
    } finally {
      await gateway.stop();
    }
    return await gateway.stop();
  };
  const log = () => {
    lines ??= end();
    return lines;
  };
  t.after(async () => {
    try {
      await log();
    } finally {
      await upstream.close();
    }
    assert.deepEqual(
      gateway.events.filter(({ level }) => level === 'error'),
      [],
    );
  });
  return {
    gateway,
    upstream,
    input,
    get received() {
      return upstream.connections.map(({ received }) => received);
    },
    open,
    async exchange(bytes) {
      const client = await open();
      client.send(bytes);
      return await client.untilEnd();
    },
    untilNoConnections,
    log,
  };
}

function toInput(upstream: RawUpstream, { listener, routes, gateway }: ClientBenchOptions): Partial<GatewayInput> {
  return {
    listeners: { web: { address: '127.0.0.1:0', ...listener } },
    services: { main: { endpoints: [upstream.url] } },
    routes: {
      local: { match: { path: '/local/*' }, to: { respond: { text: 'local' } } },
      forwarded: { match: { path: '/*' }, to: 'main' },
      ...routes,
    },
    ...gateway,
  } as Partial<GatewayInput>;
}

export interface WholeRequest {
  readonly head: string;
  /** As it came over the wire, chunk frames included. */
  readonly body: string;
}

/** Calls `answer` once for each request that has come whole. */
export function onEachWholeRequest(
  answer: (connection: UpstreamConnection, request: WholeRequest) => void,
): (connection: UpstreamConnection, chunk: string) => void {
  const unread = new WeakMap<UpstreamConnection, string>();
  return (connection, chunk) => {
    let text = (unread.get(connection) ?? '') + chunk;
    for (let request = readRequest(text); request !== undefined; request = readRequest(text)) {
      text = text.slice(request.head.length + 4 + request.body.length);
      answer(connection, request);
    }
    unread.set(connection, text);
  };
}

function readRequest(text: string): WholeRequest | undefined {
  const headEnd = text.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = text.slice(0, headEnd);
  const behind = text.slice(headEnd + 4);
  const length = isChunked(head) ? toChunkedLength(behind) : Number(/^content-length: (\d+)\r?$/im.exec(head)?.[1] ?? 0);
  return length < 0 || behind.length < length ? undefined : { head, body: behind.slice(0, length) };
}

function isChunked(head: string): boolean {
  return /^transfer-encoding: chunked\r?$/m.test(head);
}

function toChunkedLength(text: string): number {
  const taken = takeChunks(text);
  return taken === undefined ? -1 : text.length - taken.rest.length;
}

/** Answers with the request line, and with the content where there was some. */
export function describeRequest(connection: UpstreamConnection, { head, body }: WholeRequest): void {
  const line = head.slice(0, head.indexOf(' HTTP/1.1'));
  const content = isChunked(head) ? takeChunks(body)!.body : body;
  connection.send(toAnswer(content === '' ? line : `${line} ${content}`, line.startsWith('HEAD ')));
}

/** A whole answer with this body. */
export function toAnswer(body: string, isHead = false): string {
  return `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${isHead ? '' : body}`;
}

/** Resolves with the first `count` answers; fails when what comes is not exactly so many answers. */
export async function untilAnswers(client: RawClient, count: number, methods: readonly string[] = []): Promise<ReadAnswer[]> {
  let reading = readAnswers('');
  let length = -1;
  await eventually(() => {
    if (client.received.length !== length) reading = readAnswers(client.received, methods);
    length = client.received.length;
    return reading.answers.length >= count || client.hasEnded;
  }, `${count} answers have come`);
  assert.equal(reading.answers.length, count, client.received);
  assert.equal(reading.rest, '', 'nothing stands behind the answers');
  return [...reading.answers];
}
