/** Exchanges of a real gateway are recorded, and then replayed: through configurations, and against services. */
import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { runCommand } from '#test/support/command.ts';
import { eventually } from '#test/support/eventually.ts';
import { createFolder, readRecorded, untilRecording } from '#test/support/recorded-lines.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';
import { runReplay } from './replay.ts';

const consumers = { ann: { keys: ['key-of-ann-0123456789'], groups: ['buyers'] }, bob: { keys: ['key-of-bob-0123456789'] } };
const base = {
  consumers,
  routes: {
    orders: {
      match: { path: '/orders/*' },
      to: 'shop',
      policies: { 'api-key': {}, authorize: { groups: ['buyers'] } },
    },
    open: { match: { path: '/open/*' }, to: 'shop', policies: { headers: { request: { set: { 'x-tier': 'gold' } } } } },
  },
};

interface Recording {
  readonly folder: string;
  readonly file: string;
  readonly url: string;
  readonly service: Awaited<ReturnType<typeof startAnsweringService>>;
  /** The configuration of the recording, with other parts. */
  write(name: string, parts: object): string;
}

async function record(t: TestContext): Promise<Recording> {
  const folder = await createFolder(t);
  const file = join(folder, 'traffic.jsonl');
  const service = await startAnsweringService(t, ({ target, body }) =>
    JSON.stringify({ target, echo: body, items: [{ price: 5, at: 1 }] }),
  );
  const services = { shop: { endpoints: [service.url] } };
  const gateway = await startTestGateway({ ...base, services, recording: { to: { file }, sample: '100%' } } as Parameters<
    typeof startTestGateway
  >[0]);
  t.after(() => gateway.stop());
  await untilRecording(gateway.port(), file);
  const keys = { ann: { 'x-api-key': 'key-of-ann-0123456789' }, bob: { 'x-api-key': 'key-of-bob-0123456789' } };
  assert.equal((await ask(gateway.port(), '/orders/1', { headers: keys.ann })).status, 200);
  assert.equal((await ask(gateway.port(), '/orders/2', { headers: keys.bob })).status, 403);
  assert.equal((await ask(gateway.port(), '/orders/3')).status, 401);
  assert.equal((await ask(gateway.port(), '/open/a', { method: 'POST', body: 'hello' })).status, 200);
  assert.equal((await ask(gateway.port(), '/open/b?x=1')).status, 200);
  assert.equal((await ask(gateway.port(), '/nowhere')).status, 404);
  await eventually(() => readRecorded(file).length === 6, 'all are recorded');
  await gateway.stop();
  const write = (name: string, parts: object) => {
    const path = join(folder, name);
    const whole = {
      version: 1,
      listeners: { web: { address: ':8080' } },
      ...base,
      services: { shop: { endpoints: ['http://shop.invalid'] } },
      ...parts,
    };
    writeFileSync(path, JSON.stringify(whole));
    return name;
  };
  return { folder, file: 'traffic.jsonl', url: service.url, service, write };
}

test('the same configuration changes nothing, and asks no service', async (t) => {
  const { folder, file, service, write } = await record(t);
  const before = service.asked.length;
  const run = await runCommand(runReplay, [file, '--config', write('same.json', {})], folder);
  assert.equal(run.stderr, '');
  assert.match(run.stdout, /^\d+ exchanges replayed, nothing has changed\n$/);
  assert.equal(run.status, 0);
  assert.equal(service.asked.length, before);
});

test('what is decided in another way is told, alike exchanges together', async (t) => {
  const { folder, file, write } = await record(t);
  const { orders, open } = base.routes;
  const next = write('next.json', {
    consumers: { ...consumers, bob: { ...consumers.bob, groups: ['buyers'] } },
    routes: {
      orders,
      open: { ...open, policies: { headers: { request: { set: { 'x-tier': 'silver' } }, response: { set: { 'x-new': '1' } } } } },
      nowhere: { match: { path: '/nowhere' }, to: { respond: { status: 204 } } },
    },
  });
  const run = await runCommand(runReplay, [file, '--config', next, '--json'], folder);
  assert.equal(run.status, 1, run.stderr);
  const outcome = JSON.parse(run.stdout);
  const groups = outcome.groups.map(({ route, changes, count }: { route?: string; changes: string[]; count: number }) => ({
    route,
    changes,
    count,
  }));
  assert.deepEqual(groups, [
    { route: 'open', changes: ['sent field x-tier', 'answer field x-new added'], count: 2 },
    {
      route: 'orders',
      changes: [
        'service: (none) → shop',
        'status: 403 → 200',
        'error: GH_AUTHORIZE_DENIED → (none)',
        'policy authorize: refuse GH_AUTHORIZE_DENIED → pass',
        'call to shop added',
      ],
      count: 1,
    },
    {
      route: undefined,
      changes: ['route: (none) → nowhere', 'status: 404 → 204', 'error: GH_GATEWAY_NO_ROUTE → (none)'],
      count: 1,
    },
  ]);
  assert.equal(outcome.groups[0].examples[0].request.startsWith('POST 127.0.0.1'), true);
  const shown = await runCommand(runReplay, [file, '--config', next], folder);
  assert.match(shown.stdout, /4 changed\n/);
  assert.match(
    shown.stdout,
    /policy authorize: refuse GH_AUTHORIZE_DENIED → pass\n {2}call to shop added\n {4}traffic\.jsonl:\d+ {3}GET /,
  );
});

test('requests are sent to a service, those that change nothing only, and its answers are compared', async (t) => {
  const { folder, file, url, service } = await record(t);
  const args = [file, '--against', url, '--rate', '1000/s', '--timeout', '1m'];
  service.asked.length = 0;
  service.answer(({ target }) => JSON.stringify({ items: [{ at: 2, price: 5.0 }], echo: '', target }));
  const run = await runCommand(runReplay, [...args, '--ignore-json', '/items/*/at'], folder);
  assert.ok(service.targets.includes('GET /open/b?x=1') && service.targets.every((target) => target.startsWith('GET ')));
  assert.ok(
    service.asked.every(({ headers }) => !JSON.stringify(headers).includes('redacted')),
    'a digest is no credential',
  );
  assert.match(run.stdout, /1 skipped: the method POST is not sent/);
  // What the gateway itself has refused, the service answers.
  assert.match(run.stdout, /status: 403 → 200/);
  assert.doesNotMatch(run.stdout, /of route open/);
  const strict = await runCommand(runReplay, [...args, '--methods', 'POST', '--unsafe', '-H', 'x-by: replay', '--json'], folder);
  assert.equal(service.asked.at(-1)?.headers['x-by'], 'replay');
  assert.deepEqual(
    JSON.parse(strict.stdout).groups.map(({ changes }: { changes: string[] }) => changes),
    [['answer body /echo', 'answer body /items/*/at']],
  );
  const refused = await runCommand(runReplay, [...args, '--methods', 'POST'], folder);
  assert.deepEqual([refused.status, /--unsafe/.test(refused.stderr)], [2, true]);
});

test('a service that is not there shows as what has changed', async (t) => {
  const { folder, file } = await record(t);
  const run = await runCommand(runReplay, [file, '--against', 'http://127.0.0.1:1', '--rate', '1000/s'], folder);
  assert.equal(run.status, 1);
  assert.match(run.stdout, /no answer: 200 → ECONNREFUSED/);
});

test('damaged lines are told with their places, and the rest goes on', async (t) => {
  const { folder, file, write } = await record(t);
  const path = join(folder, file);
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  const count = lines.length;
  appendFileSync(path, '{"recording":2}\n{"a":1}\nnonsense\n\n{"recording":1,"time":"now"}\n{"recording":1,"ti');
  const run = await runCommand(runReplay, [file, '--config', write('same.json', {})], folder);
  assert.deepEqual(run.stderr.trimEnd().split('\n'), [
    `${file}:${count + 1} this is version 2 of the format; version 1 is known here`,
    `${file}:${count + 2} this is no line of a recording: it has no member \`recording\``,
    `${file}:${count + 3} this is no JSON`,
    `${file}:${count + 5} time: Invalid ISO datetime`,
    `${file}:${count + 6} the last line is cut off`,
  ]);
  assert.match(run.stdout, new RegExp(`^${count} exchanges replayed, nothing has changed\n {2}5 lines could not be read\n$`));
  assert.equal(run.status, 0);
  writeFileSync(path, 'nonsense\n');
  assert.equal((await runCommand(runReplay, [file, '--config', 'same.json'], folder)).status, 2);
});

test('a configuration that is refused is told as by `check`, and wrong options are told', async (t) => {
  const { folder, file, write } = await record(t);
  const refused = await runCommand(runReplay, [file, '--config', write('bad.json', { threads: -1 })], folder);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /^bad\.json:1:\d+ /);
  for (const args of [
    [],
    ['gone.jsonl'],
    [file, '--against', 'localhost'],
    [file, '--against', 'http://a', '--rate', '5'],
    [file, '--ignore-json', 'x'],
    [file, '--env', 'X'],
  ])
    assert.equal((await runCommand(runReplay, args, folder)).status, 2, args.join(' '));
});

test('what is around a gateway is not needed: stores, discovery, certificates, checks', async (t) => {
  const { folder, file, write } = await record(t);
  const { orders, open } = base.routes;
  const next = write('around.json', {
    admin: { address: ':9080' },
    listeners: { web: { address: ':8443', tls: { certificates: [{ cert: 'gone.pem', key: 'gone.key' }] } } },
    stores: { redis: { url: 'redis://redis.invalid:6379' } },
    services: { shop: { discover: { dns: { name: 'shop.invalid', port: 80 } }, health: { path: '/' } } },
    routes: {
      orders: {
        ...orders,
        policies: { ...orders.policies, 'rate-limit': { limit: '1000/1m', store: 'redis', headers: 'none' } },
      },
      open,
    },
  });
  const run = await runCommand(runReplay, [file, '--config', next], folder);
  assert.equal(run.stderr, '');
  assert.match(run.stdout, /nothing has changed\n$/);
});

test('calls of aggregates are answered each by its own, and limits count by the time of the recording', async (t) => {
  const folder = await createFolder(t);
  const file = join(folder, 'traffic.jsonl');
  const service = await startAnsweringService(t, ({ target }) => JSON.stringify({ from: target }));
  const parts = {
    services: { users: { endpoints: [service.url] }, orders: { endpoints: [service.url] } },
    routes: {
      begin: { match: { path: '/begin' }, to: 'users' },
      overview: {
        match: { path: '/overview/:id' },
        to: {
          aggregate: {
            calls: {
              user: { service: 'users', path: '/users/${path.id}' },
              orders: { service: 'orders', path: '/orders', query: { user: '${path.id}' } },
            },
            answer: { user: '${calls.user.body.from}', orders: '${calls.orders.body.from}' },
          },
        },
        policies: { 'rate-limit': { limit: '2/1h', headers: 'none' } },
      },
    },
  };
  const gateway = await startTestGateway({ ...parts, recording: { to: { file }, sample: '100%' } } as Parameters<
    typeof startTestGateway
  >[0]);
  t.after(() => gateway.stop());
  await untilRecording(gateway.port(), file);
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await ask(gateway.port(), `/overview/${i}`)).status);
  assert.deepEqual(statuses, [200, 200, 429]);
  await eventually(() => readRecorded(file).length === 3, 'all are recorded');
  await gateway.stop();
  const write = (name: string, limit: string) => {
    const { overview, begin } = parts.routes;
    const routes = { begin, overview: { ...overview, policies: { 'rate-limit': { limit, headers: 'none' } } } };
    writeFileSync(join(folder, name), JSON.stringify({ version: 1, listeners: { web: { address: ':8080' } }, ...parts, routes }));
    return name;
  };
  const asked = service.asked.length;
  const same = await runCommand(runReplay, ['traffic.jsonl', '--config', write('same.json', '2/1h')], folder);
  assert.match(same.stdout, /nothing has changed\n$/);
  const more = await runCommand(runReplay, ['traffic.jsonl', '--config', write('more.json', '3/1h'), '--json'], folder);
  const { groups } = JSON.parse(more.stdout);
  assert.equal(groups.length, 1);
  assert.ok(groups[0].changes.includes('status: 429 → 200'), more.stdout);
  assert.equal(service.asked.length, asked);
  // Two hours later there would have been room again.
  const lines = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const last = lines.at(-1);
  last.time = new Date(Date.parse(last.time) + 7_200_000).toISOString();
  writeFileSync(file, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const later = await runCommand(runReplay, ['traffic.jsonl', '--config', 'same.json', '--json'], folder);
  assert.ok(JSON.parse(later.stdout).groups[0].changes.includes('status: 429 → 200'), later.stdout);
});
