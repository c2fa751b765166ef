/** What services are told of traces, and what becomes of what clients say. Nothing of it is an error for a client. */
import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

type Tracing = Partial<NonNullable<GatewayInput['tracing']>>;

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const PARENT = '00f067aa0ba902b7';
/** Nobody is there: what is told of a trace does not depend on it. */
const NOWHERE = 'http://127.0.0.1:9';
const TRUSTED = { listeners: { web: { address: '127.0.0.1:0', trustedProxies: ['127.0.0.1/32'] } } };

async function start(t: TestContext, tracing: Tracing | undefined, input: Partial<GatewayInput> = {}) {
  const service = await startAnsweringService(t, () => '{}');
  const gateway = await startTestGateway({
    services: { all: { endpoints: [service.url] } },
    routes: { all: { match: { path: '/*' }, to: 'all' } },
    ...(tracing !== undefined && { tracing: { to: { otlp: NOWHERE }, sample: '0%', ...tracing } }),
    ...input,
  });
  t.after(() => gateway.stop());
  /** What the service was told. */
  const send = async (headers: Readonly<Record<string, string>> = {}): Promise<IncomingHttpHeaders> => {
    assert.equal((await ask(gateway.port(), '/', { headers })).status, 200);
    return service.asked.at(-1)!.headers;
  };
  return { gateway, service, send };
}

const traceparent = (flags: string) => `00-${TRACE}-${PARENT}-${flags}`;

/** A context of the gateway's own. */
function assertOwn(headers: IncomingHttpHeaders, { traceId, flags }: { traceId?: string; flags: string }): string {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(String(headers['traceparent']));
  assert.ok(match !== null, `a traceparent, not ${headers['traceparent']}`);
  assert.equal(match[3], flags);
  assert.notEqual(match[2], PARENT);
  if (traceId === undefined) assert.notEqual(match[1], TRACE);
  else assert.equal(match[1], traceId);
  return match[1]!;
}

test('without the setting, everything that tells of traces passes as it is', async (t) => {
  const { send } = await start(t, undefined);
  const said = { traceparent: 'no sense', tracestate: 'x', baggage: 'a', b3: '7', 'x-b3-traceid': 'q' };
  const { traceparent: told, tracestate, baggage, b3, 'x-b3-traceid': id } = await send(said);
  assert.deepEqual({ traceparent: told, tracestate, baggage, b3, 'x-b3-traceid': id }, said);
  assert.equal((await send())['traceparent'], undefined);
});

test('a request that is not traced says so to the service, with ids of its own', async (t) => {
  const { send } = await start(t, {});
  const first = assertOwn(await send(), { flags: '00' });
  assert.notEqual(assertOwn(await send(), { flags: '00' }), first);
});

test('what a caller says who does not trace either passes as it is', async (t) => {
  const { send } = await start(t, {});
  const said = { traceparent: traceparent('00'), tracestate: ' a=1 ,b=2', baggage: 'user=7' };
  const told = await send(said);
  assert.equal(told['traceparent'], said.traceparent);
  assert.equal(told['tracestate'], 'a=1 ,b=2');
  assert.equal(told['baggage'], 'user=7');
});

test('who may not decide that a trace is taken is followed all the same', async (t) => {
  const { send } = await start(t, {});
  const told = await send({ traceparent: traceparent('01'), tracestate: 'a=1', baggage: 'user=7' });
  assertOwn(told, { traceId: TRACE, flags: '00' });
  assert.equal(told['tracestate'], 'a=1');
  assert.equal(told['baggage'], 'user=7');
});

const believed: readonly [Tracing['trust'], Partial<GatewayInput>, string][] = [
  ['proxies', {}, '00'],
  ['proxies', TRUSTED, '01'],
  ['all', {}, '01'],
  ['never', TRUSTED, '00'],
];

for (const [trust, input, flags] of believed)
  test(`a sampled flag counts with \`trust: ${trust}\` ${input === TRUSTED ? 'from a trusted proxy' : 'from anybody'}: ${flags}`, async (t) => {
    const { send } = await start(t, { trust }, input);
    assertOwn(await send({ traceparent: traceparent('01') }), { traceId: TRACE, flags });
  });

test('who is believed may also decide that no trace is taken', async (t) => {
  const { send } = await start(t, { trust: 'all', sample: '100%' });
  assert.equal((await send({ traceparent: traceparent('00') }))['traceparent'], traceparent('00'));
});

test('who is not believed cannot keep a trace from being taken', async (t) => {
  const { send } = await start(t, { sample: '100%' });
  assertOwn(await send({ traceparent: traceparent('00') }), { traceId: TRACE, flags: '01' });
});

test('the flag that says that a trace id is random goes on with it', async (t) => {
  const { send } = await start(t, { sample: '100%' });
  assertOwn(await send({ traceparent: traceparent('02') }), { traceId: TRACE, flags: '03' });
  assertOwn(await send({ traceparent: traceparent('fa') }), { traceId: TRACE, flags: '03' });
});

const malformed = [
  'x',
  '00',
  `00-${TRACE}-${PARENT}`,
  `00-${TRACE}-${PARENT}-1`,
  `00-${TRACE}-${PARENT}-01-more`,
  `ff-${TRACE}-${PARENT}-01`,
  `00-${TRACE.toUpperCase()}-${PARENT}-01`,
  `00-${'0'.repeat(32)}-${PARENT}-01`,
  `00-${TRACE}-${'0'.repeat(16)}-01`,
  `00-${TRACE}-${PARENT}-0x`,
  `00-${TRACE}-${PARENT}-01,00-${TRACE}-${PARENT}-01`,
  'a'.repeat(2_000),
  '\u00e9\u00ff',
];

test('a malformed traceparent of any kind is no error: a new trace begins, without what belonged to the old one', async (t) => {
  const { send } = await start(t, { trust: 'all', sample: '100%' });
  for (const text of malformed) {
    const told = await send({ traceparent: text, tracestate: 'a=1' });
    assertOwn(told, { flags: '01' });
    assert.equal(told['tracestate'], undefined, text);
  }
});

test('a malformed tracestate goes no further, and the trace does', async (t) => {
  const { send } = await start(t, { trust: 'all' });
  for (const tracestate of ['A=1', 'a', 'a=1,b', `a=${'x'.repeat(300)}`]) {
    const told = await send({ traceparent: traceparent('01'), tracestate });
    assertOwn(told, { traceId: TRACE, flags: '01' });
    assert.equal(told['tracestate'], undefined, tracestate);
  }
});

test('of two parents, neither is one; lines of a state are put together', async (t) => {
  const { gateway, service } = await start(t, { trust: 'all' });
  const client = await RawClient.open(gateway.port());
  t.after(() => client.socket.destroy());
  const twice = `traceparent: ${traceparent('01')}\r\n`.repeat(2);
  client.send(`GET / HTTP/1.1\r\nhost: a\r\n${twice}\r\n`);
  await client.until(/\{\}$/);
  assertOwn(service.asked[0]!.headers, { flags: '00' });
  client.send(`GET / HTTP/1.1\r\nhost: a\r\ntraceparent: ${traceparent('01')}\r\ntracestate: a=1\r\ntracestate: b=2\r\n\r\n`);
  await client.until(/\{\}[^{]*\{\}$/);
  assertOwn(service.asked[1]!.headers, { traceId: TRACE, flags: '01' });
  assert.equal(service.asked[1]!.headers['tracestate'], 'a=1,b=2');
});

test('baggage that is too long is shortened, whether the request is traced or not', async (t) => {
  const members = Array.from({ length: 80 }, (_, i) => `k${i}=v`);
  const kept = members.slice(0, 64).join();
  for (const sample of ['0%', '100%']) {
    const { send } = await start(t, { sample });
    assert.equal((await send({ traceparent: traceparent('00'), baggage: members.join() }))['baggage'], kept);
    assert.equal((await send({ baggage: members.join() }))['baggage'], kept);
  }
});

test('fields of the request stay where they are, and those of the body too', async (t) => {
  const { gateway, service } = await start(t, { sample: '100%' });
  const headers = { traceparent: traceparent('01'), 'x-own': '1', 'content-type': 'text/plain' };
  await ask(gateway.port(), '/a?b', { method: 'POST', headers, body: 'whole' });
  const { headers: told, body, method, target } = service.asked[0]!;
  assert.deepEqual([method, target, body, told['x-own'], told['content-length']], ['POST', '/a?b', 'whole', '1', '5']);
  assertOwn(told, { traceId: TRACE, flags: '01' });
});

test('B3 in one field is read and written on demand, and only then', async (t) => {
  const { send } = await start(t, { propagate: 'b3', trust: 'all' });
  const sampled = await send({ b3: `${TRACE}-${PARENT}-1`, traceparent: 'passes' });
  assert.match(String(sampled['b3']), new RegExp(`^${TRACE}-(?!${PARENT})[0-9a-f]{16}-1$`));
  assert.equal(sampled['traceparent'], 'passes');
  assert.equal((await send({ b3: `${TRACE}-${PARENT}-0` }))['b3'], `${TRACE}-${PARENT}-0`);
  // Its sampling is left to the gateway, which takes no trace.
  assert.match(String((await send({ b3: `${TRACE}-${PARENT}` }))['b3']), new RegExp(`^${TRACE}-[0-9a-f]{16}-0$`));
  assert.match(String((await send({ b3: '1' }))['b3']), /^[0-9a-f]{32}-[0-9a-f]{16}-1$/);
  assert.match(String((await send({ b3: 'no sense' }))['b3']), /^[0-9a-f]{32}-[0-9a-f]{16}-0$/);
  assert.match(String((await send())['b3']), /^[0-9a-f]{32}-[0-9a-f]{16}-0$/);
});

test('B3 in several fields is read and written', async (t) => {
  const { send } = await start(t, { propagate: ['b3-multi'], trust: 'all' });
  const told = await send({
    'x-b3-traceid': TRACE.slice(16),
    'x-b3-spanid': PARENT,
    'x-b3-parentspanid': PARENT,
    'x-b3-sampled': '1',
  });
  assert.equal(told['x-b3-traceid'], TRACE.slice(16).padStart(32, '0'));
  assert.match(String(told['x-b3-spanid']), /^[0-9a-f]{16}$/);
  assert.notEqual(told['x-b3-spanid'], PARENT);
  assert.equal(told['x-b3-sampled'], '1');
  assert.equal(told['x-b3-parentspanid'], undefined);
  assert.equal(told['traceparent'], undefined);
});

test('one format becomes another: the first that says something counts, and all are written', async (t) => {
  const { send } = await start(t, { propagate: ['w3c', 'b3'], trust: 'all' });
  const other = '0af7651916cd43dd8448eb211c80319c';
  const told = await send({ b3: `${TRACE}-${PARENT}-1` });
  assertOwn(told, { traceId: TRACE, flags: '01' });
  assert.match(String(told['b3']), new RegExp(`^${TRACE}-`));
  const both = await send({ traceparent: traceparent('01'), b3: `${other}-${PARENT}-0` });
  assertOwn(both, { traceId: TRACE, flags: '01' });
  assert.match(String(both['b3']), new RegExp(`^${TRACE}-[0-9a-f]{16}-1$`));
  // Neither one of them alone would do for services that read the other.
  const untraced = await send({ traceparent: traceparent('00') });
  assertOwn(untraced, { traceId: TRACE, flags: '00' });
  assert.match(String(untraced['b3']), new RegExp(`^${TRACE}-[0-9a-f]{16}-0$`));
});

test('what a policy does to baggage stays done', async (t) => {
  const policies = { headers: { request: { remove: ['baggage'] } } };
  for (const sample of ['0%', '100%']) {
    const { send } = await start(t, { sample, trust: 'all' }, { policies });
    for (const flags of ['00', '01'])
      assert.equal((await send({ traceparent: traceparent(flags), baggage: 'user=7' }))['baggage'], undefined);
  }
});
