/** One gateway in front of several raw upstreams that are the endpoints of one service, each with a script of its own. */
import type { TestContext } from 'node:test';
import { eventually } from './eventually.ts';
import { type ForwardingOptions, onEachRequest, openClient, settle, startGatewayFor } from './forwarding.ts';
import type { RawClient } from './raw-client.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from './raw-upstream.ts';
import type { TestGateway } from './test-gateway.ts';

/** What an endpoint does with a request whose head has come. `count`: how many came over this connection before. */
export type Script = (connection: UpstreamConnection, head: string, count: number) => void;

export interface ScriptedService {
  readonly gateway: TestGateway;
  readonly upstreams: readonly RawUpstream[];
  /** How many requests each endpoint has got. */
  readonly counts: readonly number[];
  open(): Promise<RawClient>;
  /** Sends a request over a connection of its own; resolves with the answer. */
  ask(request?: string): Promise<string>;
  /** Resolves when the gateway has read everything that was sent to it before, also what upstreams have sent. */
  settle(): Promise<void>;
  /** The last line of the access log. Ends the gateway. */
  lastLine(): Promise<Record<string, unknown>>;
}

export const answerWith =
  (status: number, body = 'ok', fields = ''): Script =>
  ({ send }) =>
    send(`HTTP/1.1 ${status} Said\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`);

export const reset: Script = ({ socket }) => void socket.resetAndDestroy();

export const neverAnswer: Script = () => undefined;

export const GET = 'GET / HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n';

export async function startScriptedService(
  t: TestContext,
  scripts: readonly Script[],
  options: Omit<ForwardingOptions, 'service'> & {
    readonly service?: Omit<NonNullable<ForwardingOptions['service']>, 'endpoints'>;
  } = {},
): Promise<ScriptedService> {
  const counts = scripts.map(() => 0);
  const upstreams: RawUpstream[] = [];
  for (const [index, script] of scripts.entries()) {
    const onRequest = onEachRequest((connection, head, count) => {
      counts[index]! += 1;
      script(connection, head, count);
    });
    upstreams.push(await startRawUpstream(onRequest));
  }
  const gateway = await startGatewayFor(t, {
    ...options,
    service: { ...options.service, endpoints: upstreams.map(({ url }) => url) },
  });
  for (const upstream of upstreams) t.after(() => upstream.close());
  t.after(async () => {
    await gateway.stop();
    const sockets = upstreams.flatMap(({ connections }) => connections.map(({ socket }) => socket));
    await eventually(() => sockets.every(({ closed }) => closed), 'the gateway has closed its upstream connections');
  });
  return {
    gateway,
    upstreams,
    counts,
    open: () => openClient(t, gateway),
    async ask(request = GET) {
      const client = await openClient(t, gateway);
      client.send(request);
      const answer = await client.untilEnd();
      client.close();
      return answer;
    },
    settle: () => settle(gateway),
    lastLine: async () => (await gateway.stop()).at(-1) ?? {},
  };
}

/** The code of the error in a problem document. */
export function codeOf(answer: string): string | undefined {
  return /"code":"([^"]*)"/.exec(answer)?.[1];
}
