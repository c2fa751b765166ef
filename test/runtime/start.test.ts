/** `gatehouse start` until it listens, or says why it does not. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { certificatePaths } from '#test/support/certificates.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess, makeFolder } from '#test/support/gatehouse-process.ts';

const hello: GatewayInput['routes'] = { hello: { match: { path: '/hello' }, to: { respond: { text: 'hello' } } } };

async function refusal(t: TestContext, configuration: string | Partial<GatewayInput> | undefined, args: string[] = []) {
  const gatehouse = await GatehouseProcess.launch(t, configuration, { args });
  const { exitCode } = await gatehouse.ended;
  return { exitCode, stderr: gatehouse.stderr, stdout: gatehouse.stdout };
}

async function occupyPort(t: TestContext): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
}

for (const threads of [0, 1, 2]) {
  test(`prints where each listener accepts connections, with ${threads} data threads`, async (t) => {
    const gatehouse = await GatehouseProcess.start(t, {
      threads,
      listeners: {
        web: { address: '127.0.0.1:0' },
        secure: {
          address: '127.0.0.1:0',
          tls: { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] },
        },
        bytes: { address: '127.0.0.1:0', tcp: { to: 'bytes' } },
      },
      services: { bytes: { endpoints: ['tcp://127.0.0.1:1'] } },
      admin: { address: '127.0.0.1:0' },
      routes: hello,
    });
    await gatehouse.untilListening('admin');
    const addresses = gatehouse.stdout.replaceAll(/:\d+\n/g, ':PORT\n');
    assert.equal(
      addresses,
      'listening web http://127.0.0.1:PORT\nlistening secure https://127.0.0.1:PORT\nlistening bytes tcp://127.0.0.1:PORT\nlistening admin http://127.0.0.1:PORT\n',
    );
    assert.equal((await ask(gatehouse.port('web'), '/hello')).body, 'hello');
    assert.equal((await ask(gatehouse.port('admin'), '/readyz')).status, 200);
    assert.equal(gatehouse.stderr, '');
  });
}

test('listens on a Unix socket with several threads, and takes over the file of a gateway that was killed', async (t) => {
  const folder = await makeFolder(t);
  const socketPath = join(folder, 'web.sock');
  const configuration: Partial<GatewayInput> = {
    listeners: { web: { address: `unix:${socketPath}` } },
    threads: 2,
    routes: hello,
  };
  const killed = await GatehouseProcess.launch(t, configuration, { folder });
  await killed.until(() => killed.stdout.includes('listening web'), 'the listener');
  assert.equal(killed.stdout, `listening web unix:${socketPath}\n`);
  assert.equal((await ask(0, '/hello', { socketPath })).body, 'hello');

  const second = await GatehouseProcess.launch(t, configuration, { folder });
  assert.equal((await second.ended).exitCode, 2);
  assert.match(second.stderr, /^gatehouse start: listener `web` cannot listen on unix:.*another process listens there/);

  killed.signal('SIGKILL');
  await killed.ended;
  const third = await GatehouseProcess.launch(t, configuration, { folder });
  await third.until(() => third.stdout.includes('listening web'), 'the listener');
  assert.equal((await ask(0, '/hello', { socketPath })).body, 'hello');
});

test('leaves a file alone that stands where a Unix socket should be', async (t) => {
  const folder = await makeFolder(t);
  await writeFile(join(folder, 'precious'), 'data');
  const { exitCode, stderr } = await refusal(t, { listeners: { web: { address: `unix:${join(folder, 'precious')}` } } });
  assert.equal(exitCode, 2);
  assert.match(stderr, /listener `web` cannot listen on unix:/);
});

test('names every mistake of a configuration with its place, and ends with status 2', async (t) => {
  const { exitCode, stdout, stderr } = await refusal(
    t,
    `version: 1
listeners:
  web: { address: "127.0.0.1" }
routes:
  a: { match: { path: orders }, to: nowhere }
  b:
    mtach: { path: /b }
    to: { respond: { text: b } }
`,
  );
  assert.equal(exitCode, 2);
  assert.equal(stdout, '');
  const places = stderr
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(0, line.indexOf(' ')));
  assert.deepEqual(places, [
    'gatehouse.yaml:3:19',
    'gatehouse.yaml:5:23',
    'gatehouse.yaml:5:37',
    'gatehouse.yaml:6:3',
    'gatehouse.yaml:7:5',
  ]);
  assert.doesNotMatch(stderr, /\n {4}at /);
});

test('says that two routes tie, and what would decide between them', async (t) => {
  const { exitCode, stderr } = await refusal(
    t,
    `version: 1
listeners: { web: { address: "127.0.0.1:0" } }
routes:
  one: { match: { path: /same }, to: { respond: { text: one } } }
  two: { match: { path: /same }, to: { respond: { text: two } } }
`,
  );
  assert.equal(exitCode, 2);
  assert.match(stderr, /^gatehouse\.yaml:5:17 routes\.two\.match: the routes `one` and `two` tie: .*`priority`\n$/);
});

test('says which file is missing', async (t) => {
  const { exitCode, stderr } = await refusal(t, undefined, ['--config', 'other.yaml']);
  assert.equal(exitCode, 2);
  assert.equal(stderr, 'other.yaml the file cannot be read: there is no such file\n');
});

test('says what to do in a folder without a configuration', async (t) => {
  const { exitCode, stderr } = await refusal(t, undefined);
  assert.equal(exitCode, 2);
  assert.match(
    stderr,
    /^gatehouse start: there is no gatehouse\.config\.ts, gatehouse\.yaml, .* in \/.*; name a file with --config FILE, or write one with `gatehouse init`\n$/,
  );
});

for (const threads of [0, 2]) {
  test(`says which listener cannot have its port, with ${threads} data threads`, async (t) => {
    const port = await occupyPort(t);
    const { exitCode, stdout, stderr } = await refusal(t, { listeners: { web: { address: `127.0.0.1:${port}` } }, threads });
    assert.equal(exitCode, 2);
    assert.equal(stdout, '');
    assert.equal(
      stderr,
      `gatehouse start: listener \`web\` cannot listen on 127.0.0.1:${port}: another process listens there already; end it or choose another address\n`,
    );
  });

  test(`does not share its port with another gateway, with ${threads} data threads`, async (t) => {
    const first = await GatehouseProcess.start(t, { threads: 2, routes: hello });
    const { exitCode, stderr } = await refusal(t, { listeners: { web: { address: `127.0.0.1:${first.port()}` } }, threads });
    assert.equal(exitCode, 2);
    assert.match(stderr, /another process listens there already/);
    assert.equal((await ask(first.port(), '/hello')).body, 'hello');
  });
}

test('says that the admin side cannot have its port', async (t) => {
  const port = await occupyPort(t);
  const { exitCode, stderr } = await refusal(t, { admin: { address: `127.0.0.1:${port}` } });
  assert.equal(exitCode, 2);
  assert.match(stderr, /^gatehouse start: listener `admin` cannot listen on 127\.0\.0\.1:\d+: another process/);
});

test('ends with status 0 when it is told to stop while it still loads', async (t) => {
  const configuration = `
console.log('loading');
const keepsTheProcess = setInterval(() => {}, 1000);
await new Promise((resolve) => process.once('SIGTERM', resolve));
export default { version: 1, listeners: { web: { address: '127.0.0.1:0' } }, threads: 0 };
`;
  const gatehouse = await GatehouseProcess.launch(t, configuration, { file: 'gatehouse.config.ts' });
  await gatehouse.until(() => gatehouse.stdout.includes('loading'), 'the configuration to run');
  gatehouse.signal('SIGTERM');
  assert.deepEqual(await gatehouse.ended, { exitCode: 0, signal: null });
  assert.equal(gatehouse.stdout, 'loading\n');
});

test('refuses a number of threads that is none', async (t) => {
  for (const threads of ['many', '-1', '513']) {
    const { exitCode, stderr } = await refusal(t, { routes: hello }, [`--threads=${threads}`]);
    assert.equal(exitCode, 2);
    assert.equal(stderr, `gatehouse start: --threads ${threads}: expected a whole number from 0 to 512\n`);
  }
});

test('keeps the compiled code of each thread while it runs, so that the next start has it even if this one is killed', async (t) => {
  const folder = await makeFolder(t);
  const told = join(folder, 'told');
  // Node tells more than a pipe takes, and what does not fit is lost.
  const file = await open(told, 'w');
  t.after(() => file.close());
  const env = { NODE_COMPILE_CACHE: join(folder, 'compiled'), NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
  await GatehouseProcess.start(t, { threads: 1, routes: hello }, { env, stderr: file.fd });
  const isWritten = (name: string) => new RegExp(`writing cache for ESM \\S+/${name}`).test(readFileSync(told, 'latin1'));
  await eventually(() => isWritten('serve\\.ts') && isWritten('data-thread\\.ts'), 'both threads have written', 60_000);
});
