/** Answers that are composed of the answers of several services. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { type AnsweringService, type ServiceScript, startAnsweringService } from '#test/support/answering-service.ts';
import { type Asked, ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { advance, openClient, settle } from '#test/support/forwarding.ts';
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
  readonly clock?: FakeClock;
}

async function start(t: TestContext, aggregate: Aggregate, options: Options = {}): Promise<Fixture> {
  const users = await startAnsweringService(t, options.users ?? (() => '{"id":7,"name":"Ada"}'));
  const orders = await startAnsweringService(t, options.orders ?? (() => '{"items":[{"id":1},{"id":2}]}'));
  const { clock } = options;
  const input: Partial<GatewayInput> = {
    services: { users: { endpoints: [users.url] }, orders: { endpoints: [orders.url] } },
    routes: { all: { match: { path: '/view/:id/*' }, to: { aggregate }, ...options.route } },
    ...(clock !== undefined && { listeners: { web: { address: '127.0.0.1:0', timeouts: { head: '1s' } } } }),
    ...options.gateway,
  };
  const gateway = await startTestGateway(input, clock === undefined ? {} : { clock });
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
        query: { full: 'yes & no', at: '1+${query.none}é', empty: '${query.none}', q: '${query.q}' },
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
  assert.equal(asked?.target, '/users/7?full=yes%20%26%20no&at=1%2B%C3%A9&q=a%26b');
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
  const nasty = 'a/admin?x=1&y=2#z"\\r\\nx-evil: 1';
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

for (const id of ['..', '.', '', null, undefined, '../admin', 'a/../b', 'a/..', '..;x', 'a\\b', 'a\0b']) {
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

test('a path is not asked for that a parameter of the request would lead out of', async (t) => {
  const { send, users } = await start(t, {
    calls: { user: { service: 'users', path: '/users/${query.id}/${header.x-part}' } },
    answer: '${calls.user.body}',
  });
  const codeOf = async (id: string, part: string) => {
    const { status, body } = await send(`/view/7?id=${id}`, { headers: { 'x-part': part } });
    return status === 200 ? users.targets.at(-1) : JSON.parse(body).code;
  };
  for (const id of ['%2e%2E', '%2e', '..', '.%2e']) assert.equal(await codeOf(id, 'a'), 'GH_AGGREGATE_MISSING_VALUE', id);
  assert.equal(await codeOf('a', '..'), 'GH_AGGREGATE_MISSING_VALUE');
  for (const part of ['../..', '..;v=1', 'a/..']) assert.equal(await codeOf('a', part), 'GH_AGGREGATE_MISSING_VALUE', part);
  assert.equal(await codeOf('...', 'a/b;c'), 'GET /users/.../a%2Fb%3Bc');
  assert.equal(users.asked.length, 1);
});

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

test('a call that may fail leaves a hole, or what stands in for it, and the answer says so', async (t) => {
  const { send, logLine } = await start(
    t,
    {
      partialField: 'missing',
      calls: {
        user,
        news: { service: 'orders', path: '/news', optional: true },
        offers: { service: 'orders', path: '/offers', optional: { value: [{ id: 0 }] } },
      },
      answer: { name: '${calls.user.body.name}', news: '${calls.news.body}', offers: '${calls.offers.body}' },
      headers: { 'cache-control': 'max-age=60' },
    },
    { orders: ({ target }) => (target === '/news' ? { status: 500, body: '{}' } : 'no JSON') },
  );
  const { status, headers, body } = await send();
  assert.equal(status, 200);
  assert.equal(body, '{"name":"Ada","offers":[{"id":0}],"missing":["news","offers"]}');
  assert.deepEqual([headers['gatehouse-partial'], headers['cache-control']], ['news, offers', 'no-store']);
  assert.equal(Number(headers['content-length']), body.length);
  assert.partialDeepStrictEqual((await logLine())['calls'], [
    { name: 'user', outcome: 'ok', status: 200, bytes: 21 },
    { name: 'news', outcome: 'fallback', status: 500, code: 'GH_AGGREGATE_CALL_STATUS' },
    { name: 'offers', outcome: 'fallback', status: 200, code: 'GH_AGGREGATE_CALL_ANSWER' },
  ]);
});

test('what a partial answer lacks is written into an empty one too', async (t) => {
  const { send } = await start(
    t,
    { partialField: 'missing', calls: { user: { ...user, optional: true } }, answer: { user: '${calls.user.body}' } },
    { users: () => ({ status: 500, body: '' }) },
  );
  assert.equal((await send()).body, '{"missing":["user"]}');
});

test('the last good answer to the same request stands in for one that fails, also after a reload', async (t) => {
  const aggregate: Aggregate = {
    forward: ['authorization'],
    calls: { user: { ...user, optional: { lastGood: '1h', value: 'nobody' } } },
    answer: { user: '${calls.user.body}', status: '${calls.user.status}', etag: '${calls.user.header.etag}' },
  };
  const { send, users, orders, gateway } = await start(t, aggregate, {
    users: ({ response }) => void response.setHeader('etag', '"1"').end('{"a":1}'),
  });
  const alice = { headers: { authorization: 'Bearer alice' } };
  const good = '{"user":{"a":1},"status":200,"etag":"\\"1\\""}';
  assert.equal((await send('/view/7', alice)).body, good);
  users.answer(() => ({ status: 503, body: '' }));
  assert.equal((await send('/view/7', alice)).body, good);
  assert.equal((await send('/view/7', alice)).headers['gatehouse-partial'], 'user');
  assert.equal((await send('/view/7', { headers: { authorization: 'Bearer bob' } })).body, '{"user":"nobody","status":503}');
  assert.equal((await send('/view/8', alice)).body, '{"user":"nobody","status":503}');
  const refusal = await gateway.reconfigure({
    services: { users: { endpoints: [users.url] }, orders: { endpoints: [orders.url] } },
    routes: { all: { match: { path: '/view/:id/*' }, to: { aggregate }, priority: 1 } },
  });
  assert.deepEqual(refusal, []);
  assert.equal((await send('/view/7', alice)).body, good);
});

test('a good answer is used again for the same request, for as long as it may be', async (t) => {
  const clock = new FakeClock();
  let count = 0;
  const { send, users, gateway, logLine } = await start(
    t,
    {
      forward: ['authorization'],
      calls: { user: { ...user, query: { q: '${query.q}' }, cache: '10s' } },
      answer: { count: '${calls.user.body}' },
    },
    { users: () => String(++count), clock },
  );
  const bodies = async (...asked: [string, Asked?][]) => {
    const found: string[] = [];
    for (const [path, more] of asked) found.push((await send(path, more)).body);
    return found.map((body) => JSON.parse(body).count as number);
  };
  const bob = { headers: { authorization: 'Bearer bob', traceparent: '1' } };
  assert.deepEqual(
    await bodies(['/view/1'], ['/view/1'], ['/view/1', bob], ['/view/1', { headers: { ...bob.headers, traceparent: '2' } }]),
    [1, 1, 2, 2],
  );
  assert.deepEqual(await bodies(['/view/1?q=1'], ['/view/2'], ['/view/1']), [3, 4, 1]);
  await advance(clock, 10_001, gateway);
  assert.deepEqual(await bodies(['/view/1'], ['/view/1']), [5, 5]);
  users.answer(() => ({ status: 500, body: '' }));
  assert.deepEqual(await bodies(['/view/1']), [5]);
  assert.equal((await send('/view/9')).status, 502);
  users.answer(() => '9');
  assert.deepEqual(await bodies(['/view/9']), [9]);
  assert.partialDeepStrictEqual((await logLine())['calls'], [{ outcome: 'ok' }]);
});

test('a call is made once for each item, so many at a time', async (t) => {
  const held: (() => void)[] = [];
  let most = 0;
  const { send, users, logLine } = await start(
    t,
    {
      calls: {
        list: { service: 'orders', path: '/orders' },
        detail: {
          service: 'users',
          path: '/detail/${item.id}',
          query: { of: '${path.id}' },
          each: { list: '${calls.list.body.items}', atOnce: 2, max: 4 },
        },
      },
      answer: { details: '${calls.detail.body}', second: '${calls.detail.body[1]}' },
    },
    {
      orders: () => '{"items":[{"id":1},{"id":"2/"},{"id":3},{"id":4}]}',
      users: ({ target, response }) => {
        held.push(() => response.end(JSON.stringify(target)));
        most = Math.max(most, held.length);
        return undefined;
      },
    },
  );
  const answer = send();
  for (let count = 1; count <= 4; count++) {
    await eventually(() => users.asked.length >= count && held.length > 0, 'one more is under way');
    held.pop()?.();
  }
  const expected = ['1', '2%2F', '3', '4'].map((id) => `"/detail/${id}?of=7"`);
  assert.equal((await answer).body, `{"details":[${expected.join()}],"second":${expected[1]}}`);
  assert.equal(most, 2);
  assert.partialDeepStrictEqual((await logLine())['calls'], [{ name: 'list' }, { name: 'detail', count: 4, attempts: 4 }]);
});

const each = (more: object = {}, call: object = {}): Aggregate => ({
  calls: {
    list: { service: 'orders', path: '/orders' },
    detail: { service: 'users', path: '/detail/${item}', each: { list: '${calls.list.body}', max: 2, ...more }, ...call },
  },
  answer: '${calls.detail.body}',
});

const lists: readonly { title: string; list: string; aggregate: Aggregate; status?: number; body: string; partial?: string }[] = [
  { title: 'as many items as may be', list: '[1,2]', aggregate: each(), body: '["/detail/1","/detail/2"]' },
  { title: 'one item more', list: '[1,2,3]', aggregate: each(), status: 502, body: 'GH_AGGREGATE_TOO_MANY_ITEMS' },
  {
    title: 'more items than are wanted',
    list: '[1,2,3]',
    aggregate: each({ beyond: 'cut' }),
    body: '["/detail/1","/detail/2"]',
    partial: 'detail',
  },
  { title: 'no item', list: '[]', aggregate: each(), body: '[]' },
  { title: 'nothing in its place', list: 'null', aggregate: each(), body: '[]' },
  { title: 'something else in its place', list: '{"a":1}', aggregate: each(), status: 502, body: 'GH_AGGREGATE_CALL_ANSWER' },
  { title: 'an item that fails', list: '[1,"bad"]', aggregate: each(), status: 502, body: 'GH_AGGREGATE_CALL_STATUS' },
  {
    title: 'an item that may fail',
    list: '["bad",2]',
    aggregate: each({}, { optional: true }),
    body: '[null,"/detail/2"]',
    partial: 'detail',
  },
  {
    title: 'an item with a stand-in',
    list: '["bad",2]',
    aggregate: each({}, { optional: { value: 0 } }),
    body: '[0,"/detail/2"]',
    partial: 'detail',
  },
];

for (const { title, list: items, aggregate, status = 200, body, partial } of lists) {
  test(`a list with ${title} is gone through as it should be`, async (t) => {
    const { send } = await start(t, aggregate, {
      orders: () => items,
      users: ({ target }) => (target.endsWith('bad') ? { status: 404, body: '' } : JSON.stringify(target)),
    });
    const answer = await send();
    assert.deepEqual(
      [answer.status, status === 200 ? answer.body : JSON.parse(answer.body).code, answer.headers['gatehouse-partial']],
      [status, body, partial],
    );
  });
}

test('a call is made where its condition holds, and what needs a call that was not made is not made either', async (t) => {
  const { send, users, orders, logLine } = await start(
    t,
    {
      calls: {
        user: { ...user, when: 'request.query["user"] == "yes" && path.id != "8"' },
        list: { service: 'orders', path: '/orders/${calls.user.body.id}' },
        more: { service: 'orders', path: '/more', when: { value: '${calls.user.body.name}', equals: 'Ada' } },
      },
      answer: { user: '${calls.user.body.name}', list: '${calls.list.body}', more: '${calls.more.body}' },
    },
    { orders: ({ target }) => JSON.stringify(target) },
  );
  assert.equal((await send('/view/7?user=yes')).body, '{"user":"Ada","list":"/orders/7","more":"/more"}');
  const none = await send('/view/8?user=yes');
  assert.deepEqual([none.status, none.body, none.headers['gatehouse-partial']], [200, '{}', undefined]);
  assert.deepEqual([users.targets.length, orders.targets.length], [1, 2]);
  assert.partialDeepStrictEqual((await logLine())['calls'], [
    { name: 'user', outcome: 'skipped' },
    { name: 'list', outcome: 'skipped' },
    { name: 'more', outcome: 'skipped' },
  ]);
});

test('a required call that needs what a failed one lacks fails', async (t) => {
  const { send } = await start(
    t,
    {
      calls: { user: { ...user, optional: true }, list: { service: 'orders', path: '/orders/${calls.user.body.id}' } },
      answer: '${calls.list.body}',
    },
    { users: () => ({ status: 500, body: '' }) },
  );
  assert.equal(JSON.parse((await send()).body).code, 'GH_AGGREGATE_MISSING_VALUE');
});

test('an answer of a service is passed on where that is asked for, and statuses are good that are said to be', async (t) => {
  const { send, users, logLine } = await start(
    t,
    {
      calls: { user: { ...user, pass: [404], expect: ['200-299', 410] }, list },
      answer: { status: '${calls.user.status}', why: '${calls.user.body.why}' },
    },
    { users: () => ({ status: 404, body: '{"why":"no such user"}' }) },
  );
  const { status, headers, body } = await send();
  assert.deepEqual([status, headers['content-type'], body], [404, 'application/json', '{"why":"no such user"}']);
  assert.equal(users.asked.length, 1);
  users.answer(() => ({ status: 410, body: '{"why":"gone"}' }));
  assert.equal((await send()).body, '{"status":410,"why":"gone"}');
  const { calls } = await logLine();
  assert.partialDeepStrictEqual(calls, [{ outcome: 'ok', status: 410 }]);
});

test('a call that takes too long is broken off, and what may fail waits no longer than it may', async (t) => {
  const clock = new FakeClock();
  const closed: string[] = [];
  const silent: ServiceScript = ({ target, response }) => void response.on('close', () => closed.push(target));
  const { send, users, orders, gateway } = await start(
    t,
    {
      calls: {
        user: { ...user, timeout: '3s', optional: true },
        list: { service: 'orders', path: '/orders', timeout: '10s', retry: false },
      },
      answer: { user: '${calls.user.body}', list: '${calls.list.body}' },
    },
    { users: silent, orders: silent, clock },
  );
  const answer = send();
  await eventually(() => users.asked.length + orders.asked.length === 2, 'both are under way');
  await advance(clock, 3_500, gateway);
  await eventually(() => closed.length === 1, 'the one that had no more time is broken off');
  assert.deepEqual(closed, ['/users/7']);
  await advance(clock, 7_000, gateway);
  const { status, body } = await answer;
  assert.deepEqual([status, JSON.parse(body).code], [504, 'GH_AGGREGATE_CALL_TIMEOUT']);
  assert.match(body, /the call list/);
});

test('all calls together take no longer than they may', async (t) => {
  const clock = new FakeClock();
  const { send, users, orders, gateway, logLine } = await start(
    t,
    {
      timeout: '4s',
      calls: { user: { ...user, timeout: '3s' }, list: { ...list, timeout: '3s', retry: false } },
      answer: '${calls.list.body}',
    },
    { users: () => undefined, orders: () => undefined, clock },
  );
  const answer = send();
  await eventually(() => users.asked.length === 1, 'the first one is under way');
  await advance(clock, 2_500, gateway);
  users.asked[0]!.response.end('{"id":1}');
  await eventually(() => orders.asked.length === 1, 'the second one is under way');
  await advance(clock, 2_000, gateway);
  assert.equal((await answer).status, 504);
  assert.partialDeepStrictEqual((await logLine())['detail'], { call: 'list', setting: 'routes.all.to.aggregate.timeout' });
});

test('when the client goes, all calls are broken off and the log says so', async (t) => {
  let closed = 0;
  const silent: ServiceScript = ({ response }) => void response.on('close', () => (closed += 1));
  const { users, orders, gateway, logLine } = await start(
    t,
    { ...both, calls: { user, list: { service: 'orders', path: '/orders' } } },
    { users: silent, orders: silent },
  );
  const client = await openClient(t, gateway);
  client.send('GET /view/7 HTTP/1.1\r\nhost: a\r\n\r\n');
  await eventually(() => users.asked.length + orders.asked.length === 2, 'both are under way');
  client.close();
  await eventually(() => closed === 2, 'both are broken off');
  assert.partialDeepStrictEqual((await logLine())['calls'], [{ outcome: 'cancelled' }, { outcome: 'cancelled' }]);
});

test('a service that cannot be reached, or is left alone, is unavailable', async (t) => {
  const { gateway, users } = await start(t, both);
  const dead = await startAnsweringService(t, ({ response }) => void response.destroy());
  const input = (url: string): Partial<GatewayInput> => ({
    services: {
      users: { endpoints: [url], retry: false, breaker: { failures: '50%', minRequests: 4, openFor: '1h' } },
      orders: { endpoints: [users.url] },
    },
    routes: { all: { match: { path: '/view/:id/*' }, to: { aggregate: both } } },
  });
  assert.deepEqual(await gateway.reconfigure(input(dead.url)), []);
  const codes: unknown[] = [];
  for (let i = 0; i < 10; i++) codes.push(JSON.parse((await ask(gateway.port(), '/view/7')).body).code);
  assert.equal(codes[0], 'GH_AGGREGATE_CALL_FAILED');
  const refused = await ask(gateway.port(), '/view/7');
  assert.deepEqual([refused.status, JSON.parse(refused.body).code], [503, 'GH_AGGREGATE_CALL_UNAVAILABLE']);
  assert.match(String(refused.headers['retry-after']), /^\d+$/);
});

test('a call is tried again as its service says, unless it says otherwise itself', async (t) => {
  let count = 0;
  const flaky: ServiceScript = () => (++count % 2 === 1 ? { status: 503, body: '' } : '{"id":1}');
  const aggregate = (call: object): Aggregate => ({ calls: { user: { ...user, ...call } }, answer: '${calls.user.body}' });
  const { gateway, users, logLine } = await start(t, aggregate({}), { users: flaky });
  const input = (call: object): Partial<GatewayInput> => ({
    services: { users: { endpoints: [users.url], retry: { on: [503], backoff: { base: '1ms', max: '1ms' } } } },
    routes: { all: { match: { path: '/view/:id/*' }, to: { aggregate: aggregate(call) } } },
  });
  assert.deepEqual(await gateway.reconfigure(input({})), []);
  assert.equal((await ask(gateway.port(), '/view/7')).status, 200);
  assert.deepEqual(await gateway.reconfigure(input({ method: 'POST' })), []);
  assert.equal((await ask(gateway.port(), '/view/7')).status, 502);
  count = 0;
  assert.deepEqual(await gateway.reconfigure(input({ method: 'POST', retry: { methods: ['POST'] } })), []);
  assert.equal((await ask(gateway.port(), '/view/7')).status, 200);
  assert.deepEqual(await gateway.reconfigure(input({ retry: false })), []);
  assert.equal((await ask(gateway.port(), '/view/7')).status, 502);
  const { calls } = await logLine();
  assert.partialDeepStrictEqual(calls, [{ outcome: 'failed', status: 503 }]);
});

test('HEAD gets the head of the answer, and who has the answer already is told so', async (t) => {
  const { send, users } = await start(t, { ...both, etag: true });
  const { headers, body } = await send();
  const { etag } = headers;
  assert.match(String(etag), /^"[\w-]{27}"$/);
  const head = await send('/view/7', { method: 'HEAD' });
  assert.deepEqual(
    [head.status, head.body, head.headers.etag, head.headers['content-length']],
    [200, '', etag, String(body.length)],
  );
  const known = await send('/view/7', { headers: { 'if-none-match': `"x", W/${etag}` } });
  assert.deepEqual([known.status, known.body, known.headers.etag], [304, '', etag]);
  assert.equal((await send('/view/7', { headers: { 'if-none-match': '"x"' } })).status, 200);
  assert.equal((await send('/view/7', { method: 'POST', headers: { 'if-none-match': '*' } })).status, 200);
  assert.equal(
    users.asked.some((asked) => asked.headers['if-none-match'] !== undefined),
    false,
  );
});

test('a large answer goes out as the client takes it', async (t) => {
  const large = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => `item ${i} ü`));
  const { send, gateway, users } = await start(
    t,
    { calls: { user: { ...user, answerMax: '8MiB' } }, answer: { one: '${calls.user.body}', two: ['${calls.user.body}', 1] } },
    { users: () => large },
  );
  assert.equal((await send()).body, `{"one":${large},"two":[${large},1]}`);
  const client = await openClient(t, gateway);
  client.socket.pause();
  client.send('GET /view/7 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
  await eventually(() => users.asked.length === 2, 'the service has been asked');
  await settle(gateway);
  client.socket.resume();
  const answer = await client.untilEnd();
  assert.equal(answer.length - answer.indexOf('\r\n\r\n') - 4, Buffer.byteLength(`{"one":${large},"two":[${large},1]}`));
});

test('an answer that would be too large is an error', async (t) => {
  const { send } = await start(t, { ...both, answerMax: '62B' });
  assert.equal((await send()).body, '{"user":{"id":7,"name":"Ada"},"orders":[{"id":1},{"id":2}]}');
  const { gateway, users, orders } = await start(t, { ...both, answerMax: '58B' });
  assert.equal(JSON.parse((await ask(gateway.port(), '/view/7')).body).code, 'GH_AGGREGATE_ANSWER_TOO_LONG');
  assert.deepEqual([users.asked.length, orders.asked.length], [1, 1]);
});

test('a body that is no JSON, or too long, is refused before anybody is asked', async (t) => {
  const { send, users } = await start(t, {
    requestMax: '10B',
    calls: { user: { ...user, body: { a: '${body.a}' } } },
    answer: '${calls.user.body}',
  });
  const post = async (body: string) => {
    const answer = await send('/view/7', { method: 'POST', body });
    return answer.status === 200 ? users.asked.at(-1)?.body : JSON.parse(answer.body).code;
  };
  assert.equal(await post('{"a":1234}'), '{"a":1234}');
  assert.equal(await post('{"a":12345}'), 'GH_CLIENT_BODY_TOO_LONG');
  assert.equal(await post('{"a":'), 'GH_AGGREGATE_MALFORMED_BODY');
  assert.equal(await post(''), '{}');
  assert.equal(users.asked.length, 2);
});

test('policies of the route act on calls as on other requests for services, but where a call goes is not for them to say', async (t) => {
  const { send, users } = await start(t, both, {
    route: {
      policies: {
        headers: { request: { set: { 'x-added': 'yes ${path.id}' } }, response: { set: { 'x-answer': 'ours' } } },
        rewrite: { path: '/elsewhere' },
      },
    },
  });
  const { status, headers } = await send();
  assert.deepEqual([status, headers['x-answer']], [200, 'ours']);
  assert.deepEqual([users.asked[0]?.target, users.asked[0]?.headers['x-added']], ['/users/7', 'yes 7']);
});
