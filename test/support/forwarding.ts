/** One gateway in front of one raw upstream. After the test both are closed, and nothing may be left open. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { eventually } from './eventually.ts';
import type { FakeClock } from './fake-clock.ts';
import { RawClient } from './raw-client.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from './raw-upstream.ts';
import { startTestGateway, type TestGateway } from './test-gateway.ts';

type ServiceInput = Omit<NonNullable<GatewayInput['services']>[string], 'endpoints'> & {
  endpoints?: NonNullable<GatewayInput['services']>[string]['endpoints'];
};
type RouteInput = NonNullable<GatewayInput['routes']>[string];

export interface ForwardingOptions {
  /** With one, the gateway's time stands still unless `advance` is called. */
  readonly clock?: FakeClock;
  /** Settings of the one service; without `endpoints`, its endpoint is the upstream. */
  readonly service?: ServiceInput;
  /** Settings of the one route. */
  readonly route?: Partial<RouteInput>;
  readonly gateway?: Partial<GatewayInput>;
}

export interface Forwarding {
  readonly gateway: TestGateway;
  readonly upstream: RawUpstream;
  /** Opens a connection to the gateway. */
  open(): Promise<RawClient>;
  /** Resolves when the gateway has read everything that was sent to it before. */
  settle(): Promise<void>;
  /** Moves the gateway's clock, by 1.5 seconds at least. When it resolves, every timer that is due has run. */
  advance(ms: number): Promise<void>;
}

/** Answered by the gateway itself. */
const localRoute: RouteInput = { match: { path: '/-/local' }, to: { respond: { status: 204 } } };

/** A connection that says nothing for a second is closed, which tells when timers have seen a new time. */
const impatientListeners = { web: { address: '127.0.0.1:0', timeouts: { head: '1s' } } };

/** Everything that is sent to the gateway goes to the upstream, which does what `onData` does. */
export async function startForwarding(
  t: TestContext,
  onData: (connection: UpstreamConnection, chunk: string) => void,
  options: ForwardingOptions = {},
): Promise<Forwarding> {
  const upstream = await startRawUpstream(onData);
  const service = { endpoints: [upstream.url], ...options.service };
  const gateway = await startGatewayFor(t, { ...options, service });
  t.after(() => upstream.close());
  t.after(async () => {
    await gateway.stop();
    await eventually(
      () => upstream.connections.every(({ socket }) => socket.closed),
      'the gateway has closed its upstream connections',
    );
  });
  return {
    gateway,
    upstream,
    open: () => openClient(t, gateway),
    settle: () => settle(gateway),
    advance: (ms) => advance(options.clock!, ms, gateway),
  };
}

/** A gateway with one service for every path. */
export async function startGatewayFor(
  t: TestContext,
  options: ForwardingOptions & { readonly service: NonNullable<GatewayInput['services']>[string] },
): Promise<TestGateway> {
  const input: Partial<GatewayInput> = {
    services: { main: options.service },
    routes: { all: { match: { path: '/*' }, to: 'main', ...options.route }, local: localRoute },
    ...(options.clock !== undefined && { listeners: impatientListeners }),
    ...options.gateway,
  };
  const gateway = await startTestGateway(input, options.clock === undefined ? {} : { clock: options.clock });
  const { plane } = gateway.control;
  t.after(async () => {
    await gateway.stop();
    await eventually(() => plane?.connectionCount === 0, 'the gateway has closed its client connections');
    assert.deepEqual(
      gateway.events.filter(({ level }) => level === 'error'),
      [],
    );
  });
  return gateway;
}

/** An exchange with the gateway alone: what was sent to it earlier, on whichever connection, has then been read. */
export async function settle(gateway: TestGateway): Promise<void> {
  const client = await RawClient.open(gateway.port());
  client.send('GET /-/local HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n');
  await client.untilEnd();
  client.close();
}

/** Moves the clock of a gateway that was started with it. When it resolves, every timer that is due has run. */
export async function advance(clock: FakeClock, ms: number, gateway: TestGateway): Promise<void> {
  assert.ok(ms >= 1_500, 'the connection that says nothing must be due');
  const bystander = await RawClient.open(gateway.port());
  await settle(gateway);
  clock.advance(ms);
  await bystander.untilEnd();
  bystander.close();
}

export async function openClient(t: TestContext, gateway: TestGateway): Promise<RawClient> {
  const client = await RawClient.open(gateway.port());
  t.after(() => client.close());
  return client;
}

/** Calls `answer` once for each request without a body, with its head. */
export function onEachRequest(
  answer: (connection: UpstreamConnection, head: string, count: number) => void,
): (connection: UpstreamConnection) => void {
  const answered = new WeakMap<UpstreamConnection, number>();
  return (connection) => {
    const heads = connection.received.split('\r\n\r\n').slice(0, -1);
    for (let count = answered.get(connection) ?? 0; count < heads.length; count++) {
      answered.set(connection, count + 1);
      answer(connection, heads[count]!, count);
    }
  };
}

/** Takes the values out that differ from run to run: the date that the gateway adds, and the id of the request. */
export function maskVariables(text: string): string {
  return text.replaceAll(/^date: .*$/gm, 'date: *').replaceAll(/^x-request-id: .*$/gm, 'x-request-id: *');
}
