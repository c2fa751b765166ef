/**
 * Speaks what Consul documents of `/v1/health/service/NAME` with blocking queries, over real HTTP. A question is held back
 * until something changes, or until the test says that its time is over: no clock runs here.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface ConsulInstance {
  readonly address: string;
  readonly port: number;
  readonly weights?: { readonly Passing: number; readonly Warning: number };
  /** Of each check. */
  readonly statuses?: readonly string[];
  readonly tags?: readonly string[];
  /** Of the node, where the instance itself has no address. */
  readonly node?: string;
}

export interface FakeConsul {
  readonly url: string;
  /** Path and query of every question. */
  readonly questions: readonly URL[];
  readonly tokens: readonly (string | undefined)[];
  /** How many questions are held back now. */
  readonly heldCount: number;
  /** Another state of the catalogue; questions that are held back for it are answered. The index grows by one unless it is given. */
  set(instances: readonly ConsulInstance[], index?: number): void;
  /** The time of all questions that are held back is over. */
  passWait(): void;
  /** Answers that come instead of the right ones, until it is `undefined`. `hang` answers nothing at all. */
  fault: { readonly status: number; readonly text: string; readonly index?: string } | 'hang' | undefined;
  /** Ends all connections and is not there; `restart` brings it back on the same port, with another index. */
  stop(): Promise<void>;
  restart(index: number): Promise<void>;
}

interface Held {
  readonly url: URL;
  readonly response: ServerResponse;
}

/** No connection goes out from here by itself, so its port is not taken by somebody else while it is away. */
const HOST = '127.0.1.9';

export async function startFakeConsul(t: TestContext, service: string): Promise<FakeConsul> {
  const questions: URL[] = [];
  const tokens: (string | undefined)[] = [];
  let instances: readonly ConsulInstance[] = [];
  let index = 10;
  let held: Held[] = [];
  const answer = ({ url, response }: Held) => {
    response.writeHead(200, { 'content-type': 'application/json', 'x-consul-index': String(index) });
    const isWanted = url.pathname === `/v1/health/service/${service}`;
    response.end(JSON.stringify(isWanted ? instances.filter((one) => isAsked(one, url)).map(toEntry) : []));
  };
  const answerAll = () => {
    const waiting = held;
    held = [];
    for (const question of waiting) answer(question);
  };
  const server = createServer((request: IncomingMessage, response) => {
    const url = new URL(request.url ?? '', 'http://consul');
    questions.push(url);
    tokens.push(request.headers['x-consul-token'] as string | undefined);
    const { fault } = consul;
    if (fault === 'hang') return;
    if (fault !== undefined) {
      response.writeHead(fault.status, fault.index === undefined ? {} : { 'x-consul-index': fault.index });
      response.end(fault.text);
      return;
    }
    // Held back only while the one who asks knows the present state.
    const known = url.searchParams.get('index');
    if (known === null || Number(known) < index) return answer({ url, response });
    const question = { url, response };
    held.push(question);
    response.on('close', () => {
      held = held.filter((other) => other !== question);
    });
  });
  const listen = async (port: number) => {
    server.listen(port, HOST);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  };
  const port = await listen(0);
  const stop = async () => {
    held = [];
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  t.after(stop);
  const consul: FakeConsul = {
    fault: undefined,
    url: `http://${HOST}:${port}`,
    questions,
    tokens,
    get heldCount() {
      return held.length;
    },
    set(next, nextIndex = index + 1) {
      instances = next;
      index = nextIndex;
      answerAll();
    },
    passWait: answerAll,
    stop,
    async restart(nextIndex) {
      index = nextIndex;
      await listen(port);
    },
  };
  return consul;
}

function isAsked({ statuses = [], tags = [] }: ConsulInstance, { searchParams }: URL): boolean {
  const tag = searchParams.get('tag');
  if (tag !== null && !tags.includes(tag)) return false;
  return searchParams.get('passing') !== 'true' || statuses.every((status) => status === 'passing');
}

function toEntry({ address, port, weights, statuses = ['passing'], tags = [], node = '192.0.2.1' }: ConsulInstance): object {
  return {
    Node: { ID: '40e4a748', Node: 'one', Address: node, Datacenter: 'dc1' },
    Service: {
      ID: `orders-${port}`,
      Service: 'orders',
      Tags: tags,
      Address: address,
      Port: port,
      Weights: weights ?? { Passing: 1, Warning: 1 },
    },
    Checks: statuses.map((Status, i) => ({ Node: 'one', CheckID: `check-${i}`, Status, Output: '' })),
  };
}
