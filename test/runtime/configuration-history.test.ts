/** Configurations that operators bring: applied whole or not at all, kept, compared, and gone back to. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { runHistory } from '#cli/history.ts';
import { runRollback } from '#cli/rollback.ts';
import { loadConfiguration, loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { Control } from '#runtime/control.ts';
import { type AdminBench, roleTokens, startAdminBench } from '#test/support/admin-bench.ts';
import { ask } from '#test/support/ask.ts';
import { runCommand } from '#test/support/command.ts';
import { eventually, eventuallyAnswers } from '#test/support/eventually.ts';

const PATIENCE_MS = 30_000;

const say = (text: string) => ({ hello: { match: { path: '/*' }, to: { respond: { text } } } });

interface Outcome {
  readonly ok: boolean;
  readonly issues: readonly { line: number; column: number; path: string; message: string; severity: string }[];
  readonly hash: string;
  readonly version: number;
}

interface History {
  readonly entries: readonly {
    readonly hash: string;
    readonly version: number;
    readonly source: string;
    readonly by: string;
    readonly current: boolean;
    readonly lines: { readonly added: number; readonly removed: number };
    readonly traffic?: { readonly requests: number; readonly errors: number; readonly p95Ms: number };
  }[];
}

interface Shown {
  readonly hash: string;
  readonly version: number;
  readonly text: string;
  readonly source: string;
  readonly by: string;
}

async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-history-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const show = (bench: AdminBench) => bench.read<Shown>('GET', '/api/configuration');
const list = async (bench: AdminBench) => (await bench.read<History>('GET', '/api/history')).entries;
const apply = (bench: AdminBench, text: string) => bench.read<Outcome>('PUT', '/api/configuration', { json: { text } });
const rollBack = (bench: AdminBench, hash: string) => bench.read<Outcome>('POST', `/api/history/${hash}/rollback`);
const said = async (bench: AdminBench) => (await ask(bench.gateway.port(), '/')).body;

/** As an operator edits what is shown. */
async function change(bench: AdminBench, from: string, to: string): Promise<Outcome> {
  const { text } = await show(bench);
  assert.ok(text.includes(from), text);
  return apply(bench, text.replace(from, to));
}

test('a configuration that is brought is the present one, and who brought it is known', async (t) => {
  const bench = await startAdminBench(t, { routes: say('one') });
  const before = await show(bench);
  assert.deepEqual([before.version, before.source, before.by], [1, 'file', 'file']);
  const { ok, hash, version } = await change(bench, 'text: one', 'text: two');
  assert.deepEqual([ok, version], [true, 2]);
  assert.equal(await said(bench), 'two');
  const after = await show(bench);
  assert.deepEqual([after.hash, after.version, after.source, after.by], [hash, 2, 'api', 'ann']);
  assert.notEqual(hash, before.hash);
  assert.deepEqual(
    (await list(bench)).map((entry) => [entry.hash, entry.source, entry.by, entry.current]),
    [
      [hash, 'api', 'ann', true],
      [before.hash, 'file', 'file', false],
    ],
  );
  const applied = bench.gateway.events.find(({ message }) => message === 'configuration applied');
  assert.deepEqual(
    [applied?.fields?.['hash'], applied?.fields?.['source'], applied?.fields?.['by']],
    [hash.slice(0, 12), 'api', 'ann'],
  );
  const metrics = (await ask(bench.port, '/metrics')).body;
  assert.match(metrics, new RegExp(`^gatehouse_configuration_info\\{hash="${hash.slice(0, 12)}",version="2"\\} 1$`, 'm'));
  assert.match(metrics, /^gatehouse_configuration_reloads_total\{outcome="refused"\} 0$/m);
});

test('a configuration with mistakes changes nothing, and all of them are told with their places', async (t) => {
  const bench = await startAdminBench(t, { routes: say('one') });
  const before = await show(bench);
  const text = [
    'version: 1',
    'listeners: { web: { address: ":1", threads: 1 } }',
    'routes:',
    '  a: { match: { path: /a }, to: nowhere }',
    '  b: { match: { path: /b }, to: { respond: { status: 99 } } }',
  ].join('\n');
  for (const [method, path, status] of [
    ['POST', '/api/configuration/check', 200],
    ['PUT', '/api/configuration', 422],
  ] as const) {
    const answer = await bench.ask(method, path, { json: { text } });
    assert.equal(answer.status, status);
    const { ok, issues }: Outcome = JSON.parse(answer.body);
    assert.equal(ok, false);
    assert.deepEqual(
      issues.map(({ line, column, path: place, severity }) => [line, column, place, severity]),
      [
        [2, 36, 'listeners.web.threads', 'error'],
        [4, 33, 'routes.a.to', 'error'],
        [5, 54, 'routes.b.to.respond.status', 'error'],
      ],
    );
  }
  assert.deepEqual(await show(bench), before);
  assert.equal(await said(bench), 'one');
  assert.equal((await list(bench)).length, 1);
  assert.match((await ask(bench.port, '/metrics')).body, /^gatehouse_configuration_reloads_total\{outcome="refused"\} 1$/m);
  const syntax = await bench.ask('PUT', '/api/configuration', { json: { text: 'version: 1\nlisteners: [' } });
  assert.equal(syntax.status, 422);
  assert.equal(JSON.parse(syntax.body).issues[0].line, 2);
});

test('what goes wrong when it is applied is told too, and nothing changes', async (t) => {
  const bench = await startAdminBench(t, { routes: say('one') });
  const { text } = await show(bench);
  const taken = `127.0.0.1:${bench.port}`;
  const answer = await bench.ask('PUT', '/api/configuration', {
    json: { text: text.replace('listeners:', `listeners:\n  other:\n    address: "${taken}"`) },
  });
  assert.equal(answer.status, 422, answer.body);
  assert.match(JSON.parse(answer.body).issues[0].message, /another process listens there already/);
  assert.equal(await said(bench), 'one');
});

test('a configuration that moves the admin address is answered at the old one', async (t) => {
  const bench = await startAdminBench(t, { routes: say('one') });
  assert.equal((await change(bench, 'admin:\n  address: 127.0.0.1:0', 'admin:\n  address: 127.0.0.2:0')).ok, true);
  await assert.rejects(bench.ask('GET', '/api/status'));
});

test('nothing is applied by the API where the configuration does not allow it, and a rollback is', async (t) => {
  const bench = await startAdminBench(t, { routes: say('one'), admin: { address: '127.0.0.1:0', apply: false } });
  const before = await show(bench);
  const answer = await bench.ask('PUT', '/api/configuration', { json: { text: before.text } });
  assert.deepEqual([answer.status, JSON.parse(answer.body).code], [403, 'GH_ADMIN_APPLYING_OFF']);
  assert.deepEqual(
    await bench.gateway.reconfigure({
      routes: say('two'),
      admin: { address: '127.0.0.1:0', tokens: roleTokens },
    }),
    [],
  );
  assert.equal(await said(bench), 'two');
  assert.equal((await rollBack(bench, before.hash)).ok, true);
  assert.equal(await said(bench), 'one');
});

test('secrets are hidden in what is shown, and kept where they are hidden in what is brought', async (t) => {
  const key = 'alice-key-0123456789abcdef';
  const routes = { hello: { ...say('one').hello, policies: { 'api-key': {} } } };
  const consumers = { alice: { keys: [key] } };
  const bench = await startAdminBench(t, { routes, consumers });
  const knows = async () => (await ask(bench.gateway.port(), '/', { headers: { 'x-api-key': key } })).status;
  assert.equal(await knows(), 200);
  const { text } = await show(bench);
  assert.doesNotMatch(text, /0123456789abcdef/);
  assert.equal((await change(bench, 'text: one', 'text: two')).ok, true);
  assert.equal(await knows(), 200);
  assert.equal((await bench.ask('GET', '/api/status', { token: roleTokens.opa.token })).status, 200);
  const stranger = await bench.ask('PUT', '/api/configuration', { json: { text: text.replace('alice:', 'bob:') } });
  assert.equal(stranger.status, 422);
  const [issue] = (JSON.parse(stranger.body) as Outcome).issues;
  assert.equal(issue?.path, 'consumers.bob.keys[0]');
  assert.match(issue?.message ?? '', /stands for a secret, and at this place there is none/);
  for (const { hash } of await list(bench)) {
    for (const path of [`/api/history/${hash}`, `/api/history/${hash}/diff`])
      assert.doesNotMatch((await bench.ask('GET', path)).body, /0123456789abcdef/, path);
  }
});

test('the difference of two configurations is a unified diff', async (t) => {
  const bench = await startAdminBench(t, { routes: say('one') });
  const first = await show(bench);
  const second = await change(bench, 'text: one', 'text: two');
  const third = await change(bench, 'text: two', 'text: three');
  assert.deepEqual((await list(bench))[0]?.lines, { added: 1, removed: 1 });
  const diff = async (hash: string, against?: string) => {
    const query = against === undefined ? '' : `?against=${against}`;
    return (await bench.read<{ diff: string }>('GET', `/api/history/${hash.slice(0, 8)}/diff${query}`)).diff;
  };
  assert.match(await diff(third.hash), /^-.*text: two\n\+.*text: three$/m);
  assert.match(await diff(third.hash, first.hash), /^-.*text: one\n\+.*text: three$/m);
  assert.match(await diff(first.hash, second.hash), /^-.*text: two\n\+.*text: one$/m);
  assert.match(await diff(first.hash), /^\+.*text: one$/m);
  assert.equal((await bench.ask('GET', '/api/history/aaaaaaaa/diff')).status, 404);
  assert.equal((await bench.ask('GET', '/api/history/x/diff')).status, 400);
});

test('a rollback under traffic costs no request, and answers are of the one or the other', async (t) => {
  const bench = await startAdminBench(t, { routes: say('one') });
  const { hash } = await show(bench);
  await change(bench, 'text: one', 'text: two');
  const seen: string[] = [];
  /** Only of what was asked for once the rollback had been answered. */
  const seenBehind: string[] = [];
  let isBack = false;
  let isOver = false;
  const ports = [bench.gateway.port()];
  const clients = Array.from({ length: 4 }, async () => {
    while (!isOver) {
      const wasBack = isBack;
      const { status, body } = await ask(ports[0]!, '/');
      seen.push(`${status} ${body}`);
      if (wasBack) seenBehind.push(`${status} ${body}`);
    }
  });
  await eventually(() => seen.length > 20, 'there is traffic');
  assert.equal((await rollBack(bench, hash.slice(0, 12))).hash, hash);
  isBack = true;
  await eventually(() => seenBehind.length > 20, 'there is traffic behind the rollback');
  isOver = true;
  await Promise.all(clients);
  assert.deepEqual([...new Set(seen)].sort(), ['200 one', '200 two']);
  assert.deepEqual([...new Set(seenBehind)], ['200 one']);
  const entries = await list(bench);
  assert.deepEqual(
    entries.map(({ source, by, current }) => [source, by, current]),
    [
      ['rollback', 'ann', true],
      ['api', 'ann', false],
    ],
  );
  assert.equal((await bench.ask('POST', '/api/history/aaaaaaaa/rollback')).status, 404);
});

test('those who apply at the same time come one after the other', async (t) => {
  const bench = await startAdminBench(t, { routes: say('one') });
  const { text } = await show(bench);
  const words = ['two', 'three', 'four', 'five', 'six'];
  const outcomes = await Promise.all(words.map((word) => apply(bench, text.replace('text: one', `text: ${word}`))));
  assert.deepEqual(
    outcomes.map(({ ok }) => ok),
    words.map(() => true),
  );
  assert.deepEqual(outcomes.map(({ version }) => version).sort(), [2, 3, 4, 5, 6]);
  const last = outcomes.findIndex(({ version }) => version === 6);
  assert.equal(await said(bench), words[last]);
  assert.equal((await show(bench)).hash, outcomes[last]!.hash);
  assert.deepEqual(
    (await list(bench)).map(({ version }) => version),
    [6, 5, 4, 3, 2, 1],
  );
});

test('as many are kept as there is room for, and a folder keeps them over a restart', async (t) => {
  const folder = await makeFolder(t);
  const input = { history: { folder: join(folder, 'kept'), keep: 3 } };
  const first = await startAdminBench(t, { ...input, routes: say('one') });
  const oldest = await show(first);
  for (const [from, to] of [
    ['one', 'two'],
    ['two', 'three'],
    ['three', 'four'],
  ] as const)
    await change(first, `text: ${from}`, `text: ${to}`);
  const kept = await list(first);
  assert.equal(kept.length, 3);
  assert.equal((await first.ask('POST', `/api/history/${oldest.hash}/rollback`)).status, 404);
  const files = readdirSync(join(folder, 'kept'));
  assert.deepEqual(files.sort(), kept.map(({ hash }) => `${hash}.json`).sort());
  for (const file of files) assert.equal(statSync(join(folder, 'kept', file)).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, 'kept')).mode & 0o777, 0o700);
  await first.gateway.stop();
  writeFileSync(join(folder, 'kept', `${'0'.repeat(64)}.json`), '{"hash":');
  const second = await startAdminBench(t, { ...input, routes: say('again') });
  assert.ok(second.gateway.events.some(({ message }) => message === 'a kept configuration cannot be read'));
  const entries = await list(second);
  assert.deepEqual(
    entries.slice(1).map(({ hash }) => hash),
    kept.slice(0, 2).map(({ hash }) => hash),
  );
  assert.deepEqual([entries[0]?.source, entries[0]?.current], ['file', true]);
  assert.equal((await rollBack(second, entries[1]!.hash)).ok, true);
  assert.equal(await said(second), 'four');
});

const countsOf = async (bench: AdminBench) =>
  (await list(bench)).map(({ traffic }) => traffic && [traffic.requests, traffic.errors, traffic.p95Ms > 0]);

async function send(bench: AdminBench, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await ask(bench.gateway.port(), '/');
}

test('each configuration is shown with what has become of requests while it was the present one', async (t) => {
  const bench = await startAdminBench(t, { routes: say('one') });
  const first = await show(bench);
  assert.deepEqual(await countsOf(bench), [[0, 0, false]]);
  await send(bench, 3);
  await change(bench, 'text: one', 'status: 500');
  await send(bench, 2);
  assert.deepEqual((await countsOf(bench))[1], [3, 0, true]);
  // The present one is looked at every second.
  await eventuallyAnswers(async () => assert.deepEqual((await countsOf(bench))[0], [2, 2, true]), PATIENCE_MS);
  // The same again is no other one.
  assert.equal((await apply(bench, (await show(bench)).text)).ok, true);
  await send(bench, 1);
  assert.equal((await rollBack(bench, first.hash)).ok, true);
  // One that comes back begins anew.
  assert.deepEqual(await countsOf(bench), [
    [0, 0, false],
    [3, 3, true],
  ]);
});

test('what a configuration has seen outlives the process, where configurations do', async (t) => {
  const folder = await makeFolder(t);
  const input = { history: { folder }, routes: say('one') };
  const first = await startAdminBench(t, input);
  await send(first, 4);
  await first.gateway.stop();
  const second = await startAdminBench(t, { ...input, routes: say('two') });
  assert.deepEqual(await countsOf(second), [
    [0, 0, false],
    [4, 0, true],
  ]);
});

test('a folder that cannot be written is told, and keeps nobody from anything', async (t) => {
  const folder = await makeFolder(t);
  writeFileSync(join(folder, 'file'), '');
  const bench = await startAdminBench(t, { history: { folder: join(folder, 'file') }, routes: say('one') });
  assert.ok(bench.gateway.events.some(({ message }) => message === 'the configuration cannot be kept'));
  assert.equal((await change(bench, 'text: one', 'text: two')).ok, true);
  assert.equal((await list(bench)).length, 2);
});

test('the same configuration is one entry, whatever the order of its routes and its comments', async (t) => {
  const bench = await startAdminBench(t, {
    routes: { ...say('one'), other: { match: { path: '/other' }, to: { respond: {} } } },
  });
  const before = await show(bench);
  const again = await apply(bench, `# nothing else\n${before.text}`);
  assert.equal(again.hash, before.hash);
  assert.equal((await list(bench)).length, 1);
  assert.match((await show(bench)).text, /^# nothing else\n/);
});

const file = (text: string, port: string) => `version: 1
listeners: { web: { address: "127.0.0.1:0" } }
admin: { address: "127.0.0.1:${port}", apply: true }
accessLog: false
routes:
  hello: { match: { path: /* }, to: { respond: { text: "${text} \${file:word}" } } }
`;

test('the file counts again when it changes, and what a brought one names is taken over meanwhile', async (t) => {
  const folder = await makeFolder(t);
  const path = join(folder, 'gatehouse.yaml');
  writeFileSync(path, file('one', '0'));
  writeFileSync(join(folder, 'word'), 'a');
  const options = { policies: policyOrder, env: {} };
  const control = new Control({
    clock: systemClock,
    logger: { log() {} },
    load: () => loadConfiguration(path, options),
    loadText: (text) => loadConfigurationText(text, path, options),
    threads: 0,
    watches: true,
  });
  t.after(() => control.stop());
  const started = await control.start();
  assert.ok('admin' in started && started.admin !== undefined && 'port' in started.admin);
  const [web, admin] = [started.listening[0]!.address, started.admin];
  assert.ok('port' in web);
  const hear = async () => (await ask(web.port, '/')).body;
  const status = async () => JSON.parse((await ask(admin.port, '/api/status')).body).configuration;
  const until = async (text: string) => {
    const givesUpMs = performance.now() + PATIENCE_MS;
    while (performance.now() < givesUpMs) if ((await hear()) === text) return;
    assert.equal(await hear(), text);
  };
  const json = { 'content-type': 'application/json' };
  const brought = { method: 'PUT', headers: json, body: JSON.stringify({ text: file('brought', '0') }) };
  assert.equal((await ask(admin.port, '/api/configuration', brought)).status, 200);
  assert.equal(await hear(), 'brought a');
  writeFileSync(join(folder, 'word'), 'b');
  await until('brought b');
  const { source, by } = await status();
  assert.deepEqual([source, by], ['api', 'loopback']);
  writeFileSync(path, file('two', '0'));
  await until('two b');
  assert.equal((await status()).source, 'reload');
  assert.equal((await ask(admin.port, '/api/configuration', brought)).status, 200);
  assert.equal(await hear(), 'brought b');
  // As SIGHUP does.
  assert.equal(await control.reload(), undefined);
  assert.equal(await hear(), 'two b');
});

test('gatehouse history and gatehouse rollback speak with a gateway', async (t) => {
  const folder = await makeFolder(t);
  const broken = { match: { path: '/broken' }, to: { respond: { status: 503 } } };
  const bench = await startAdminBench(t, { routes: { ...say('one'), broken } });
  const first = await show(bench);
  for (const path of ['/', '/broken']) await ask(bench.gateway.port(), path);
  const second = await change(bench, 'text: one', 'text: two');
  const place = ['--admin', `http://127.0.0.1:${bench.port}`, '--token', roleTokens.ann.token];
  const history = await runCommand(runHistory, place, folder);
  assert.equal(history.status, 0, history.stderr);
  const [latest, before] = history.stdout.split('\n');
  assert.match(latest!, new RegExp(`^\\* ${second.hash.slice(0, 12)}  \\S+Z  \\+\\d+ -\\d+  no requests  api by ann$`));
  assert.match(
    before!,
    new RegExp(`^  ${first.hash.slice(0, 12)}  \\S+Z  \\+\\d+ -0  2 requests, 50% 5xx, p95 [\\d.]+ ms  file$`),
  );
  assert.equal(JSON.parse((await runCommand(runHistory, [...place, '--json'], folder)).stdout).entries.length, 2);
  const diff = await runCommand(runHistory, [...place, '--diff', second.hash.slice(0, 10)], folder);
  assert.match(diff.stdout, /^\+.*text: two$/m);
  const back = await runCommand(runRollback, place, folder);
  assert.deepEqual([back.status, back.stdout], [0, `${first.hash.slice(0, 12)} is the present configuration\n`]);
  assert.equal(await said(bench), 'one');
  const forth = await runCommand(runRollback, [second.hash.slice(0, 8), ...place, '--json'], folder);
  assert.equal(JSON.parse(forth.stdout).hash, second.hash);
  const refusals: readonly [readonly string[], RegExp][] = [
    [['aaaaaaaa', ...place], /the gateway refuses \(404\): No configuration with this hash is kept/],
    [['a', 'b', ...place], /expected one hash/],
    [['--admin', place[1]!, '--token', roleTokens.rea.token], /the gateway refuses \(403\): .*role `admin`/],
    [['--admin', place[1]!], /the gateway refuses \(401\)/],
    [['--admin', 'unix:/nowhere/admin.sock'], /no gateway answers at unix:\/nowhere\/admin\.sock/],
    [['--admin', 'admin.test'], /expected http:\/\/HOST:PORT/],
  ];
  for (const [args, reason] of refusals) {
    const { status, stderr } = await runCommand(runRollback, args, folder);
    assert.equal(status, 2);
    assert.match(stderr, reason);
  }
  assert.ok(!existsSync(join(folder, 'gatehouse.yaml')));
});
