/** What answers when a service does not: another service, or the gateway itself. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { onEachRequest, openClient } from '#test/support/forwarding.ts';
import { type RawUpstream, startRawUpstream, type UpstreamConnection } from '#test/support/raw-upstream.ts';
import { codeOf } from '#test/support/scripted-service.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type To = NonNullable<GatewayInput['routes']>[string]['to'];
type FallbackInput = Extract<To, { service: string }>['fallback'];
type ServiceInput = NonNullable<GatewayInput['services']>[string];

const SPARE = 'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nspare';
/** Nobody listens here. */
const DOWN = 'http://127.0.0.1:1';

interface Fixture {
  readonly gateway: TestGateway;
  readonly main: RawUpstream;
  readonly spare: RawUpstream;
}

function answerSpare(connection: UpstreamConnection): void {
  const [head, ...rest] = connection.received.split('\r\n\r\n');
  const length = /content-length: (\d+)/.exec(head ?? '')?.[1];
  if (rest.length > 0 && rest.join('\r\n\r\n').length >= Number(length ?? 0)) connection.send(SPARE);
}

async function start(
  t: TestContext,
  onData: (connection: UpstreamConnection, chunk: string) => void,
  {
    fallback = { service: 'spare' },
    main: settings,
    clock,
    onSpare = answerSpare,
    spareUrl,
    to,
  }: {
    fallback?: FallbackInput;
    main?: Partial<ServiceInput>;
    clock?: FakeClock;
    onSpare?: (connection: UpstreamConnection) => void;
    spareUrl?: string;
    to?: Extract<To, { services: unknown }>['services'];
  } = {},
): Promise<Fixture> {
  const main = await startRawUpstream(onData);
  const spare = await startRawUpstream(onSpare);
  const gateway = await startTestGateway(
    {
      services: { main: { endpoints: [main.url], ...settings }, spare: { endpoints: [spareUrl ?? spare.url] } },
      routes: {
        all: { match: { path: '/*' }, to: to === undefined ? { service: 'main', fallback } : { services: to, fallback } },
      },
    },
    clock === undefined ? {} : { clock },
  );
  t.after(async () => {
    await gateway.stop();
    await main.close();
    await spare.close();
  });
  return { gateway, main, spare };
}

const breakOff = ({ socket }: UpstreamConnection) => void socket.destroy();
const answerWith = (text: string) => onEachRequest((connection) => connection.send(text));
const UNAVAILABLE = 'HTTP/1.1 503 Service Unavailable\r\ncontent-length: 4\r\n\r\nbusy';

test('a service that answers is not stood in for, whatever it answers', async (t) => {
  const { gateway, spare } = await start(t, answerWith(UNAVAILABLE));
  const { status, body } = await ask(gateway.port(), '/');
  assert.deepEqual([status, body], [503, 'busy']);
  assert.equal(spare.connections.length, 0);
  const [line] = await gateway.stop();
  assert.equal(line?.['fallback'], undefined);
  assert.equal(line?.['service'], 'main');
});

test('another service answers for one that cannot be reached, and the access log says why', async (t) => {
  const { gateway } = await start(t, breakOff, { main: { endpoints: [DOWN] } });
  const { status, body } = await ask(gateway.port(), '/');
  assert.deepEqual([status, body], [200, 'spare']);
  const [line] = await gateway.stop();
  assert.equal(line?.['fallback'], 'GH_UPSTREAM_UNREACHABLE');
  assert.equal(line?.['service'], 'spare');
  assert.equal(line?.['code'], undefined);
});

test('the whole body goes to the other service when the first one broke off in the middle of it', async (t) => {
  const { gateway, spare } = await start(t, (connection, chunk) => {
    if (chunk.includes('first')) breakOff(connection);
  });
  const client = await openClient(t, gateway);
  client.send('PUT /a HTTP/1.1\r\nhost: shop\r\ncontent-length: 11\r\n\r\nfirst');
  await eventually(() => spare.connections[0]?.received.includes('first') === true, 'the other service has the first piece');
  client.send('second');
  await client.until('spare');
  assert.ok(spare.connections[0]!.received.endsWith('\r\n\r\nfirstsecond'));
});

test('a body that is not kept any more goes nowhere else; an answer of the gateway needs none', async (t) => {
  const long = 'x'.repeat(80_000);
  const onData = (connection: UpstreamConnection) => {
    if (connection.received.length > 80_000) breakOff(connection);
  };
  const toService = await start(t, onData);
  assert.equal((await ask(toService.gateway.port(), '/', { method: 'PUT', body: long })).status, 502);
  assert.equal(toService.spare.connections.length, 0);
  const toAnswer = await start(t, onData, { fallback: { respond: { status: 202, text: 'later' } } });
  assert.equal((await ask(toAnswer.gateway.port(), '/', { method: 'PUT', body: long })).body, 'later');
});

test('what may have been done is not done again: a POST that was lost on its way is an error', async (t) => {
  const { gateway, spare } = await start(t, breakOff);
  assert.equal((await ask(gateway.port(), '/', { method: 'POST', body: 'a' })).status, 502);
  assert.equal(spare.connections.length, 0);
  // One that never left is not lost.
  const refused = await start(t, breakOff, { main: { endpoints: [DOWN] } });
  assert.equal((await ask(refused.gateway.port(), '/', { method: 'POST', body: 'a' })).body, 'spare');
});

test('a fixed answer stands for a service that cannot be reached', async (t) => {
  const respond = { status: 200, json: { path: '${path}', items: [] }, headers: { 'x-stale': 'yes' } };
  const { gateway } = await start(t, breakOff, { fallback: { respond } });
  const { status, headers, body } = await ask(gateway.port(), '/items');
  assert.deepEqual([status, headers['x-stale'], body], [200, 'yes', '{"path":"/items","items":[]}']);
  const [line] = await gateway.stop();
  assert.equal(line?.['fallback'], 'GH_UPSTREAM_LOST_BEFORE_ANSWER');
  assert.equal(line?.['code'], undefined);
});

test('statuses that are named count as no answer, for every method', async (t) => {
  const { gateway } = await start(
    t,
    (connection, chunk) => {
      if (/\r\n\r\n/.test(chunk)) connection.send(UNAVAILABLE);
    },
    { fallback: { service: 'spare', when: [503] } },
  );
  assert.equal((await ask(gateway.port(), '/')).body, 'spare');
  assert.equal((await ask(gateway.port(), '/', { method: 'POST', body: 'a' })).body, 'spare');
  const [line] = await gateway.stop();
  assert.equal(line?.['fallback'], '503');
});

test('a status that comes before the request is whole leaves the whole request to the other service', async (t) => {
  const { gateway, spare } = await start(t, answerWith(UNAVAILABLE), { fallback: { service: 'spare', when: [503] } });
  const client = await openClient(t, gateway);
  client.send('POST /a HTTP/1.1\r\nhost: shop\r\ncontent-length: 11\r\n\r\nfirst');
  await eventually(() => spare.connections[0]?.received.includes('first') === true, 'the other service has the first piece');
  client.send('second');
  await client.until('spare');
  assert.ok(spare.connections[0]!.received.endsWith('\r\n\r\nfirstsecond'));
});

test('only what is named is stood in for', async (t) => {
  const { gateway } = await start(t, breakOff, { fallback: { service: 'spare', when: ['timeout', 'unavailable', 503] } });
  assert.equal((await ask(gateway.port(), '/')).status, 502);
});

test('a service that says nothing in time is stood in for', async (t) => {
  const clock = new FakeClock();
  const { gateway, main } = await start(t, () => undefined, { main: { timeouts: { firstByte: '1s' } }, clock });
  const answer = ask(gateway.port(), '/');
  await eventually(() => main.connections[0]?.received.includes('\r\n\r\n') === true, 'the service has the request');
  clock.advance(2_000);
  assert.equal((await answer).body, 'spare');
});

test('when the time of the request is up there is none left to ask another service, and a fixed answer takes none', async (t) => {
  const main = { timeouts: { request: '2s' } } as const;
  const fallbacks = [{ service: 'spare' }, { respond: { text: 'instead' } }] as const;
  const answers: [number, string | undefined][] = [];
  for (const fallback of fallbacks) {
    const clock = new FakeClock();
    const { gateway, main: upstream, spare } = await start(t, () => undefined, { main, clock, fallback });
    const answer = ask(gateway.port(), '/');
    await eventually(() => upstream.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the service has the request');
    clock.advance(3_000);
    const { status, body } = await answer;
    answers.push([status, codeOf(body) ?? body]);
    assert.equal(spare.connections.length, 0);
    await eventually(() => upstream.connections[0]!.socket.closed, 'the service is left');
  }
  assert.deepEqual(answers, [
    [504, 'GH_UPSTREAM_REQUEST_TIMEOUT'],
    [200, 'instead'],
  ]);
});

test('the time of the request goes on while another service is asked', async (t) => {
  const clock = new FakeClock();
  const { gateway, spare } = await start(t, breakOff, {
    main: { timeouts: { request: '2s' } },
    onSpare: () => undefined,
    clock,
  });
  const answer = ask(gateway.port(), '/');
  await eventually(() => spare.connections[0]?.received.endsWith('\r\n\r\n') === true, 'the other service has the request');
  clock.advance(3_000);
  const { status, body } = await answer;
  assert.deepEqual([status, codeOf(body)], [504, 'GH_UPSTREAM_REQUEST_TIMEOUT']);
  await eventually(() => spare.connections[0]!.socket.closed, 'the other service is left');
});

test('of a split, a service stands in for the others and not for itself', async (t) => {
  const busy = answerWith(UNAVAILABLE);
  const to = [{ service: 'spare' }, { service: 'main' }];
  const { gateway, spare } = await start(t, busy, { onSpare: busy, to, fallback: { service: 'spare', when: [503] } });
  for (let i = 0; i < 4; i++) assert.equal((await ask(gateway.port(), '/')).status, 503);
  const lines = await gateway.stop();
  assert.deepEqual(lines.map((line) => line['fallback']).toSorted(), ['503', '503', undefined, undefined]);
  assert.equal(
    spare.connections
      .map(({ received }) => received)
      .join('')
      .match(/^GET /gm)?.length,
    4,
  );
});

test('a service without a free endpoint is stood in for', async (t) => {
  const { gateway, main } = await start(t, () => undefined, { main: { pool: { connections: 1, queue: 0 } } });
  const held = await openClient(t, gateway);
  held.send('GET /held HTTP/1.1\r\nhost: shop\r\n\r\n');
  await eventually(() => main.connections.length === 1, 'the only connection is in use');
  assert.equal((await ask(gateway.port(), '/')).body, 'spare');
});

test('an answer that has begun is broken off, not stood in for', async (t) => {
  const { gateway, spare } = await start(t, (connection) => {
    connection.send('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf');
    connection.socket.end();
  });
  await assert.rejects(ask(gateway.port(), '/'));
  assert.equal(spare.connections.length, 0);
});

test('when the other service fails too, the client hears of that', async (t) => {
  const { gateway } = await start(t, breakOff, { main: { endpoints: [DOWN] }, spareUrl: DOWN });
  const { status, body } = await ask(gateway.port(), '/');
  assert.deepEqual([status, (JSON.parse(body) as { code: string }).code], [502, 'GH_UPSTREAM_UNREACHABLE']);
});

test('a service that has failed has its place free while another one answers', async (t) => {
  const main = await startRawUpstream(answerWith(UNAVAILABLE));
  const spare = await startRawUpstream(() => undefined);
  const gateway = await startTestGateway({
    services: {
      main: { endpoints: [main.url], retry: false, concurrency: { max: 1, queue: 0 } },
      spare: { endpoints: [spare.url] },
    },
    routes: { all: { match: { path: '/*' }, to: { service: 'main', fallback: { service: 'spare', when: [503] } } } },
  });
  t.after(async () => {
    await gateway.stop();
    await main.close();
    await spare.close();
  });
  for (const count of [1, 2]) {
    const client = await openClient(t, gateway);
    client.send('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await eventually(() => spare.connections.length === count, 'the other service has it');
  }
  const asked = main.connections.reduce((sum, { received }) => sum + received.split('GET / ').length - 1, 0);
  assert.equal(asked, 2);
});
