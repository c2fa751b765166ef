/** Commands that ask a running gateway: for exchanges as they happen, and for what its mirrors have found. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { runCommand } from '#test/support/command.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';
import { runComparisons } from './comparisons.ts';
import { runRecord } from './record.ts';

const TOKEN = 'token-of-the-admin-0123456789';
const answer = JSON.stringify({ price: 5 });

async function start(t: TestContext) {
  const service = await startAnsweringService(t, () => answer);
  const shadow = await startAnsweringService(t, () => JSON.stringify({ price: 6 }));
  const gateway = await startTestGateway(
    {
      admin: { address: '127.0.0.1:0', token: TOKEN },
      services: { shop: { endpoints: [service.url] }, shadow: { endpoints: [shadow.url] } },
      routes: {
        shop: { match: { path: '/*' }, to: 'shop', policies: { mirror: { to: 'shadow', compare: {} } } },
        local: { match: { path: '/local' }, to: { respond: { status: 204 } } },
      },
    },
    {},
  );
  t.after(() => gateway.stop());
  const { admin } = (await gateway.control.start()) as { readonly admin: { readonly port: number } };
  return { gateway, port: gateway.port(), admin: admin.port, url: `http://127.0.0.1:${admin.port}` };
}

test('a gateway that is gone in the middle has ended the connection', async (t) => {
  const server = createServer((_, response) => {
    response.write('event: exchange\ndata: {}\n\n', () => response.destroy());
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { status, stdout, stderr } = await runCommand(runRecord, ['--admin', url], process.cwd());
  assert.deepEqual([status, stdout, stderr], [1, '{}\n', 'gatehouse record: the gateway has ended the connection\n']);
});

test('records exchanges of a running gateway until the time is over, without secrets', async (t) => {
  const { port, url } = await start(t);
  let isOver = false;
  const args = [
    '--for',
    '1s',
    '--sample',
    '100%',
    '--route',
    'shop',
    '--bodies',
    '4B',
    '--redact-query',
    'page',
    '--admin',
    url,
    '--token',
    TOKEN,
  ];
  const running = runCommand(runRecord, args, process.cwd()).finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await ask(port, '/orders?page=secret-page', { headers: { authorization: 'Bearer secret-token' } });
    await ask(port, '/local');
  }
  const { status, stdout, stderr } = await running;
  assert.equal(status, 0, stderr);
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  assert.ok(lines.length > 0 && stderr === `gatehouse record: ${lines.length} exchanges recorded\n`, stderr);
  for (const line of lines) {
    assert.equal(line.decision.route, 'shop');
    assert.match(line.request.target, /^\/orders\?page=redacted:[0-9a-f]{16}$/);
    assert.deepEqual(line.answer.body, { bytes: answer.length, text: answer.slice(0, 4), truncated: true });
  }
  assert.ok(!stdout.includes('secret-'));
});

test("a recording is nobody's who may not, and ends with its reader", async (t) => {
  const { port, url, admin, gateway } = await start(t);
  const wrong = await runCommand(runRecord, ['--admin', url, '--token', 'wrong'], process.cwd());
  assert.deepEqual([wrong.status, /the gateway refuses \(401\)/.test(wrong.stderr)], [2, true]);
  const authorization = `Bearer ${TOKEN}`;
  const post = (body: object) =>
    ask(admin, '/api/recordings', {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  assert.equal((await post({ seconds: 1, sample: '10' })).status, 400);
  assert.match((await post({ seconds: 1, routes: ['shpo'] })).body, /there is no route shpo/);
  const reader = new AbortController();
  const response = await fetch(`${url}/api/recordings`, {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify({ seconds: 3600, sample: '100%' }),
    signal: reader.signal,
  });
  assert.equal(response.status, 200);
  assert.ok(gateway.events.some(({ message, fields }) => message === 'recording started' && fields?.['by'] === 'token'));
  const recorded = async () => /gatehouse_recording_exchanges_total (\d+)/.exec((await ask(admin, '/metrics')).body)?.[1];
  for (let tries = 0; (await recorded()) === '0'; tries++) {
    assert.ok(tries < 2_000, 'something is recorded');
    await ask(port, '/a');
  }
  reader.abort();
  let before = await recorded();
  let isSame = false;
  for (let tries = 0; !isSame; tries++) {
    assert.ok(tries < 2_000, 'nothing more is recorded');
    await ask(port, '/a');
    const now = await recorded();
    isSame = now === before;
    before = now;
  }
});

test('shows what mirrors have found', async (t) => {
  const { port, url } = await start(t);
  const place = ['--admin', url, '--token', TOKEN];
  assert.equal((await runCommand(runComparisons, place, process.cwd())).stdout, 'nothing has been compared\n');
  await ask(port, '/a');
  let run = await runCommand(runComparisons, place, process.cwd());
  for (let tries = 0; run.stdout.startsWith('nothing'); tries++) {
    assert.ok(tries < 2_000, 'it is compared');
    run = await runCommand(runComparisons, place, process.cwd());
  }
  assert.match(
    run.stdout,
    /^shop and its copies to shadow, since \S+: 1 different\n {2}body \/price changed \(1\)\n {4}GET \/a {3}5 → 6\n$/,
  );
  const json = await runCommand(runComparisons, [...place, '--json', '--route', 'shop'], process.cwd());
  assert.equal(JSON.parse(json.stdout)[0].results.different, 1);
  const none = await runCommand(runComparisons, [...place, '--route', 'local'], process.cwd());
  assert.deepEqual([none.status, /404/.test(none.stderr)], [2, true]);
  const gone = await runCommand(runComparisons, ['--admin', 'http://127.0.0.1:1'], process.cwd());
  assert.deepEqual([gone.status, /no gateway answers/.test(gone.stderr)], [2, true]);
});
