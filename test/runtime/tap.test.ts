/** Exchanges of a running gateway, tapped over the admin API and by `gatehouse tap`. */
import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { runTap } from '#cli/tap.ts';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { type Asked, ask } from '#test/support/ask.ts';
import { runCommand } from '#test/support/command.ts';
import { eventuallyAnswers } from '#test/support/eventually.ts';
import { makeTestToken, type OpenTap, type ShownRecord, startWatchedGateway } from '#test/support/watched-gateway.ts';

const routes = {
  hello: { match: { path: '/hello/*' }, to: { respond: { status: 200, text: 'hello' } } },
  broken: { match: { path: '/broken' }, to: { respond: { status: 500 } } },
};

for (const threads of [0, 2]) {
  test(`with ${threads} data threads, several taps see what each has asked for`, async (t) => {
    const { gateway, tap } = await startWatchedGateway(t, { routes }, { threads });
    const all = await tap();
    const failing = await tap('?status=5xx');
    const posts = await tap('?method=POST&path=/hello/:name');
    const port = gateway.port();
    // A thread hears of a tap by a message, so the first requests may be too early to be seen.
    const askUntilSeen = async (by: OpenTap, target: string, asked?: Asked) => {
      const isSeen = (each: ShownRecord) => each.target === target.replace('=abc', '=[redacted]');
      while (!by.exchanges.some(isSeen)) await ask(port, target, asked);
      return by.exchanges.find(isSeen)!;
    };
    const seen = [];
    for (const path of ['/hello/1', '/broken', '/nowhere']) seen.push(await askUntilSeen(all, path));
    seen.push(await askUntilSeen(all, '/hello/2?token=abc', { method: 'POST', headers: { 'x-token': 'secret' } }));
    assert.deepEqual(
      seen.map(({ method, target, status, route, code }) => [method, target, status, route, code]),
      [
        ['GET', '/hello/1', 200, 'hello', undefined],
        ['GET', '/broken', 500, 'broken', undefined],
        ['GET', '/nowhere', 404, undefined, 'GH_GATEWAY_NO_ROUTE'],
        ['POST', '/hello/2?token=[redacted]', 200, 'hello', undefined],
      ],
    );
    await askUntilSeen(failing, '/broken');
    await askUntilSeen(posts, '/hello/3', { method: 'POST' });
    assert.ok(failing.exchanges.every(({ status }) => status === 500));
    assert.ok(posts.exchanges.every(({ method, route }) => method === 'POST' && route === 'hello'));
    all.leave();
    const before = all.exchanges.length;
    const count = failing.exchanges.length;
    while (failing.exchanges.length < count + 3) await ask(port, '/broken');
    assert.equal(all.exchanges.length, before);
  });
}

test('taps that explain, and taps that end by themselves', async (t) => {
  const { gateway, tap } = await startWatchedGateway(t, { routes });
  const once = await tap('?max=1&explain=true');
  await ask(gateway.port(), '/hello/1');
  const [document] = (await once.until(1)) as unknown as { route: { name: string }; live: { status: number } }[];
  assert.deepEqual([document?.route.name, document?.live.status], ['hello', 200]);
  await ask(gateway.port(), '/hello/2');
  assert.equal(once.exchanges.length, 1);
});

test('a filter that means nothing is refused, and so are more taps than there may be', async (t) => {
  const { admin, tap } = await startWatchedGateway(t, { routes });
  for (const query of ['status=ok', 'path=orders', 'client=me', 'sample=2', 'max=0', 'colour=red']) {
    const { status, json } = await admin(`/api/tap?${query}`);
    assert.deepEqual([status, (json as { code: string }).code], [400, 'GH_ADMIN_MALFORMED_REQUEST'], query);
  }
  const taps: OpenTap[] = [];
  for (let i = 0; i < 32; i++) taps.push(await tap());
  const { status, json } = await admin('/api/tap');
  assert.deepEqual([status, (json as { code: string }).code], [409, 'GH_ADMIN_TOO_MANY_TAPS']);
  // Whoever goes away makes room.
  taps[0]!.leave();
  await eventuallyAnswers(() => tap());
});

test('a gateway that ends, ends its taps', async (t) => {
  const { gateway, tap } = await startWatchedGateway(t, { routes });
  const opened = await tap();
  await gateway.stop();
  while (!opened.hasEnded) await new Promise((resolve) => setImmediate(resolve));
});

test('what fails is listed, all of it and by route, and can be explained later', async (t) => {
  const { gateway, errors, admin } = await startWatchedGateway(t, {
    services: { away: { endpoints: ['http://127.0.0.1:1'] } },
    routes: { ...routes, away: { match: { path: '/away' }, to: 'away' } },
  });
  for (const path of ['/broken', '/hello/1', '/away', '/nowhere']) await ask(gateway.port(), path);
  // A client may have its answer before that is kept.
  await eventuallyAnswers(async () => assert.equal((await errors()).length, 2));
  const [newest, oldest, ...others] = await errors();
  assert.deepEqual([newest?.route, oldest?.route, others], ['away', 'broken', []]);
  assert.deepEqual([newest?.status, newest?.code], [502, 'GH_UPSTREAM_UNREACHABLE']);
  assert.ok(newest!.attempts.every(({ outcome, code }) => outcome === 'failed' && code === 'GH_UPSTREAM_UNREACHABLE'));
  assert.deepEqual(
    (await errors('broken')).map(({ status }) => status),
    [500],
  );
  const { json } = await admin(`/api/explained/${newest?.id}`);
  assert.equal((json as { route: { name: string } }).route.name, 'away');
});

test('a request over HTTP/2 is tapped and explained like any other', async (t) => {
  const service = await startAnsweringService(t, () => 'ok');
  const { gateway, tap } = await startWatchedGateway(t, {
    services: { a: { endpoints: [service.url] } },
    routes: { a: { match: { path: '/*' }, to: 'a' } },
  });
  const opened = await tap();
  const client = connectHttp2(`http://127.0.0.1:${gateway.port()}`);
  t.after(() => client.destroy());
  const askHttp2 = async (fields: Readonly<Record<string, string>>) => {
    const stream = client.request({ ':path': '/two', 'gatehouse-debug': makeTestToken(), ...fields });
    const headers = await new Promise<Readonly<Record<string, unknown>>>((resolve, reject) => {
      stream.on('response', resolve).on('error', reject);
    });
    return { headers, body: await text(stream) };
  };
  const { headers } = await askHttp2({});
  assert.match(String(headers['gatehouse-debug']), /route=a; first=/);
  assert.equal(service.asked[0]?.headers['gatehouse-debug'], undefined);
  const [seen] = await opened.until(1);
  assert.deepEqual([seen?.protocol, seen?.target], ['HTTP/2', '/two']);
  const document = JSON.parse((await askHttp2({ 'gatehouse-debug-answer': 'document' })).body);
  assert.deepEqual([document.route.name, document.live.status], ['a', 200]);
});

test('gatehouse tap prints a line for each exchange, and ends after as many as it was asked for', async (t) => {
  const { gateway, adminPort } = await startWatchedGateway(t, { routes });
  const admin = ['--admin', `http://127.0.0.1:${adminPort}`];
  const run = async (...args: string[]) => {
    let isOver = false;
    const running = runCommand(runTap, [...admin, ...args], '/').finally(() => {
      isOver = true;
    });
    while (!isOver) await ask(gateway.port(), '/broken');
    return running;
  };
  const lines = await run('--status', '5xx', '--max', '2');
  assert.equal(lines.status, 0);
  assert.match(
    lines.stdout,
    /^(?:\d\d:\d\d:\d\d\.\d{3} {2}GET {5}500 +[\d.]+ ms {2}127\.0\.0\.1\/broken {2}broken {2}\w{32}\n){2}$/,
  );
  const documents = await run('--json', '--explain', '--max', '1');
  assert.equal(JSON.parse(documents.stdout).route.name, 'broken');
  const explained = await run('--explain', '--max', '1');
  assert.match(explained.stdout, /\nRoute broken {3}\/broken\n {2}because any host\n/);
});

test('gatehouse tap says why it cannot', async (t) => {
  const { adminPort } = await startWatchedGateway(t, { routes, admin: { address: '127.0.0.1:0', token: '0123456789abcdef' } });
  const admin = ['--admin', `http://127.0.0.1:${adminPort}`];
  const cases: readonly (readonly [args: string[], status: number, said: RegExp])[] = [
    [['--status', 'bad'], 2, /--status: "bad" is no status/],
    [['--max', 'all'], 2, /--max all: expected a number/],
    [['--admin', 'localhost'], 2, /--admin localhost: expected http:/],
    [[...admin], 2, /refuses \(401\): The admin API needs its token/],
    [['--admin', 'http://127.0.0.1:1'], 1, /no gateway answers at http:\/\/127\.0\.0\.1:1/],
  ];
  for (const [args, status, said] of cases) {
    const run = await runCommand(runTap, args, '/');
    assert.equal(run.status, status);
    assert.match(run.stderr, said);
  }
});
