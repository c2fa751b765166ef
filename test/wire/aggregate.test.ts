/** Answers that are composed of the answers of several services. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { type AnsweringService, type ServiceScript, startAnsweringService } from '#test/support/answering-service.ts';
import { type Asked, ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type Route = NonNullable<GatewayInput['routes']>[string];
type Aggregate = Extract<Route['to'], { aggregate: unknown }>['aggregate'];

interface Fixture {
  readonly gateway: TestGateway;
  readonly users: AnsweringService;
  readonly orders: AnsweringService;
  send(path?: string, asked?: Asked): ReturnType<typeof ask>;
  logLine(): Promise<Record<string, unknown>>;
}

interface Options {
  readonly users?: ServiceScript;
  readonly orders?: ServiceScript;
  readonly route?: Partial<Route>;
  readonly gateway?: Partial<GatewayInput>;
}

async function start(t: TestContext, aggregate: Aggregate, options: Options = {}): Promise<Fixture> {
  const users = await startAnsweringService(t, options.users ?? (() => '{"id":7,"name":"Ada"}'));
  const orders = await startAnsweringService(t, options.orders ?? (() => '{"items":[{"id":1},{"id":2}]}'));
  const gateway = await startTestGateway({
    services: { users: { endpoints: [users.url] }, orders: { endpoints: [orders.url] } },
    routes: { all: { match: { path: '/view/:id/*' }, to: { aggregate }, ...options.route } },
    ...options.gateway,
  });
  t.after(() => gateway.stop());
  return {
    gateway,
    users,
    orders,
    send: (path = '/view/7', asked = {}) => ask(gateway.port(), path, asked),
    logLine: async () => (await gateway.stop()).at(-1)!,
  };
}

const user = { service: 'users', path: '/users/${path.id}' };
const list = { service: 'orders', path: '/orders', query: { user: '${calls.user.body.id}' } };
const both: Aggregate = {
  calls: { user, list },
  answer: { user: '${calls.user.body}', orders: '${calls.list.body.items}' },
};

test('answers of services become one, and what they wrote stays byte for byte', async (t) => {
  const { send, users, orders } = await start(t, both, {
    users: () => '{ "id" : 12345678901234567890, "name":"Ad\\u0061", "name":"b" }',
  });
  const { status, headers, body } = await send();
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(body, '{"user":{ "id" : 12345678901234567890, "name":"Ad\\u0061", "name":"b" },"orders":[{"id":1},{"id":2}]}');
  assert.equal(Number(headers['content-length']), body.length);
  assert.deepEqual(users.targets, ['GET /users/7']);
  assert.deepEqual(orders.targets, ['GET /orders?user=12345678901234567890']);
  assert.equal(headers['gatehouse-partial'], undefined);
});

test('calls that wait for nobody run at the same time, others as soon as what they refer to is there', async (t) => {
  const held = new Map<string, (body: string) => void>();
  const hold: ServiceScript = ({ target, response }) => void held.set(target, (body) => response.end(body));
  const { send } = await start(
    t,
    {
      calls: {
        user,
        news: { service: 'orders', path: '/news' },
        list,
        last: { service: 'users', path: '/last', after: ['news'] },
      },
      answer: { user: '${calls.user.body.name}', news: '${calls.news.body}', list: '${calls.list.body}' },
    },
    { users: hold, orders: hold },
  );
  const answer = send();
  await eventually(() => held.size === 2, 'those are under way that wait for nobody');
  assert.deepEqual([...held.keys()].toSorted(), ['/news', '/users/7']);
  held.get('/users/7')?.('{"id":1,"name":"Ada"}');
  await eventually(() => held.has('/orders?user=1'), 'the one is under way that waited for the first');
  held.get('/orders?user=1')?.('"listed"');
  assert.equal(held.has('/last'), false);
  held.get('/news')?.('"news"');
  await eventually(() => held.has('/last'), 'the one is under way that waited for the other');
  held.get('/last')?.('');
  assert.equal((await answer).body, '{"user":"Ada","news":"news","list":"listed"}');
});

test('method, query, headers and body are made of the request and of answers', async (t) => {
  const { send, users, orders } = await start(t, {
    forward: ['authorization', 'accept-language'],
    calls: {
      user: {
        ...user,
        query: { full: 'yes', empty: '${query.none}', q: '${query.q}' },
        headers: { 'x-who': '${header.x-me}', 'x-none': '${header.x-none}' },
      },
      quiet: { service: 'users', path: '/quiet', forward: [] },
      order: {
        service: 'orders',
        path: '/orders/${calls.user.body.id}',
        body: { name: '${calls.user.body.name}', asked: '${body.list}', mixed: 'a ${calls.user.status}' },
      },
    },
    answer: '${calls.order.body}',
  });
  const { status } = await send('/view/7?q=a%26b', {
    method: 'POST',
    body: '{"list":[1e400, 2]}',
    headers: {
      authorization: 'Bearer x',
      'accept-language': 'de',
      'x-me': 'me',
      cookie: 'a=b',
      traceparent: '00-1-2-01',
      tracestate: 'a=1',
    },
  });
  assert.equal(status, 200);
  const [asked] = users.asked.filter(({ target }) => target.startsWith('/users'));
  assert.equal(asked?.target, '/users/7?full=yes&q=a%26b');
  const { headers } = asked!;
  assert.deepEqual(
    ['authorization', 'accept-language', 'x-who', 'x-none', 'cookie', 'traceparent', 'tracestate', 'accept'].map(
      (name) => headers[name],
    ),
    ['Bearer x', 'de', 'me', undefined, undefined, '00-1-2-01', 'a=1', 'application/json'],
  );
  assert.match(String(headers['x-request-id']), /^[0-9a-f]{32}$/);
  const quiet = users.asked.find(({ target }) => target === '/quiet')!;
  assert.deepEqual([quiet.headers.authorization, quiet.headers['traceparent']], [undefined, '00-1-2-01']);
  const [order] = orders.asked;
  assert.deepEqual(
    [order?.method, order?.target, order?.body, order?.headers['content-type']],
    ['POST', '/orders/7', '{"name":"Ada","asked":[1e400, 2],"mixed":"a 200"}', 'application/json'],
  );
});

test('a value never becomes more than a value where it stands', async (t) => {
  const nasty = '../../admin?x=1&y=2#z"\\r\\nx-evil: 1';
  const { send, orders } = await start(
    t,
    {
      calls: {
        user,
        order: {
          service: 'orders',
          path: '/orders/${calls.user.body.nasty}/end',
          query: { q: '${calls.user.body.nasty}' },
          headers: { 'x-value': '${calls.user.body.nasty}' },
          body: { text: 'say ${calls.user.body.nasty}' },
        },
      },
      answer: '${calls.order.body}',
    },
    { users: () => JSON.stringify({ nasty: nasty.replace('\\r\\n', '\r\n') }) },
  );
  assert.equal((await send()).status, 200);
  const value = nasty.replace('\\r\\n', '\r\n');
  const [asked] = orders.asked;
  assert.equal(asked?.target, `/orders/${encodeURIComponent(value)}/end?q=${encodeURIComponent(value)}`);
  assert.equal(asked?.headers['x-evil'], undefined);
  assert.equal(decodeURIComponent(String(asked?.headers['x-value'])), value);
  assert.deepEqual(JSON.parse(asked!.body), { text: `say ${value}` });
});

for (const id of ['..', '.', '', null, undefined]) {
  test(`a path is not asked for whose value is ${JSON.stringify(id)}`, async (t) => {
    const { send, orders, logLine } = await start(
      t,
      { calls: { user, order: { service: 'orders', path: '/orders/${calls.user.body.id}' } }, answer: '${calls.order.body}' },
      { users: () => JSON.stringify({ id }) },
    );
    const { status, body } = await send();
    assert.deepEqual([status, JSON.parse(body).code], [502, 'GH_AGGREGATE_MISSING_VALUE']);
    assert.deepEqual(orders.targets, []);
    await logLine();
  });
}

test('what the request lacks in a path is said to the client', async (t) => {
  const { send, users } = await start(t, {
    calls: { user: { service: 'users', path: '/users/${query.id}' } },
    answer: '${calls.user.body}',
  });
  const { status, body } = await send();
  assert.equal(status, 400);
  assert.match(body, /GH_AGGREGATE_MISSING_INPUT.*/);
  assert.match(body, /query\.id/);
  assert.equal((await send('/view/1?id=3')).status, 200);
  assert.deepEqual(users.targets, ['GET /users/3']);
});

const bad: readonly { title: string; script: ServiceScript; call?: object; status: number; code: string }[] = [
  { title: 'no JSON', script: () => '<html>', status: 502, code: 'CALL_ANSWER' },
  { title: 'JSON with something behind it', script: () => '{} {}', status: 502, code: 'CALL_ANSWER' },
  { title: 'JSON that ends too soon', script: () => '{"a":[1,', status: 502, code: 'CALL_ANSWER' },
  { title: 'JSON that is too deep', script: () => '['.repeat(200) + ']'.repeat(200), status: 502, code: 'CALL_ANSWER' },
  {
    title: 'text that is no UTF-8',
    script: ({ response }) => void response.end(Buffer.from([0x22, 0xff, 0x22])),
    status: 502,
    code: 'CALL_ANSWER',
  },
  {
    title: 'too much',
    script: () => JSON.stringify('x'.repeat(100)),
    call: { answerMax: '101B' },
    status: 502,
    code: 'CALL_FAILED',
  },
  { title: 'a refusal', script: () => ({ status: 403, body: '{"secret":1}' }), status: 502, code: 'CALL_STATUS' },
  {
    title: 'half an answer',
    script: ({ response }) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"a":', () => response.destroy());
    },
    status: 502,
    code: 'CALL_FAILED',
  },
];

for (const { title, script, call, status, code } of bad) {
  test(`a service that answers with ${title} makes an error that names the call, and no more`, async (t) => {
    const fixture = await start(t, { ...both, calls: { user: { ...user, ...call, retry: false }, list } }, { users: script });
    const { send, orders, logLine } = fixture;
    const answer = await send();
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [status, `GH_AGGREGATE_${code}`]);
    assert.match(answer.body, /the call user/);
    assert.doesNotMatch(answer.body, /users|secret|127\.0\.0\.1/);
    assert.deepEqual(orders.targets, []);
    const { calls } = await logLine();
    assert.partialDeepStrictEqual(calls, [
      { name: 'user', service: 'users', outcome: 'failed', code: `GH_AGGREGATE_${code}` },
      { name: 'list', service: 'orders', outcome: 'cancelled' },
    ]);
  });
}

test('the largest answer that a call may have is read', async (t) => {
  const body = JSON.stringify('x'.repeat(100));
  const { send } = await start(
    t,
    { calls: { user: { ...user, answerMax: `${body.length}B` } }, answer: '${calls.user.body}' },
    { users: () => body },
  );
  assert.equal((await send()).body, body);
});
