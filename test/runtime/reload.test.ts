/** A running gateway takes a new configuration: how it notices, and what becomes of one that is wrong. */
import assert from 'node:assert/strict';
import { mkdir, rename, rm, symlink, unlink, utimes, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { loadConfiguration } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { Control } from '#runtime/control.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { GatehouseProcess, makeFolder, toFileText } from '#test/support/gatehouse-process.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

/** An installed package would be imported by its name. */
const library = new URL('../../src/gatehouse.ts', import.meta.url).href;

/** A gateway that answers `/` with this text. */
function saying(text: string, more: Partial<GatewayInput> = {}): Partial<GatewayInput> {
  return { routes: { all: { match: { path: '/' }, to: { respond: { text } } } }, ...more };
}

async function heard(gatehouse: GatehouseProcess, listener = 'web'): Promise<string> {
  return (await ask(gatehouse.port(listener), '/')).body;
}

/** At one stroke: the gateway never finds a file that is empty because the rest is still to be written. */
async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}~`, text);
  await rename(`${file}~`, file);
}

for (const threads of [0, 2]) {
  test('warnings are logged at the start and at a reload, and the configuration is taken', async (t) => {
    const withTimes = (attempt: string) => ({
      services: { a: { endpoints: ['http://127.0.0.1:1'], timeouts: { attempt, request: '1s' } } },
    });
    const gateway = await startTestGateway(withTimes('2s'));
    t.after(() => gateway.stop());
    const warnings = () =>
      gateway.events.filter(({ message }) => message === 'configuration warning').map(({ fields }) => fields);
    assert.deepEqual(
      warnings().map((fields) => [fields?.['path'], fields?.['issue']]),
      [['services.a.timeouts.attempt', '`2s` cannot pass, because `services.a.timeouts.request` is shorter: `1s`']],
    );
    assert.deepEqual(await gateway.reconfigure(withTimes('3s')), []);
    assert.equal(warnings().length, 2);
    assert.deepEqual(await gateway.reconfigure(withTimes('1s')), []);
    assert.equal(warnings().length, 2);
  });

  test(`takes a file that is rewritten in place, with ${threads} data threads`, async (t) => {
    const gatehouse = await GatehouseProcess.start(t, saying('one', { threads }));
    await writeFile(gatehouse.file, toFileText(saying('two', { threads })));
    const event = await gatehouse.nextEvent('configuration applied');
    assert.equal(event['routes'], 1);
    assert.equal(await heard(gatehouse), 'two');
  });
}

for (const threads of [0, 2]) {
  test(`serves each route from the new configuration, asked before or not, with ${threads} data threads`, async (t) => {
    const generation = (name: string): Partial<GatewayInput> => {
      const saying = (text: string) => ({ to: { respond: { text: `${name} ${text}` } } });
      return {
        threads,
        routes: {
          // The other generation has these in another order, so that positions of routes change.
          ...(name === 'two' ? { added: { match: { path: '/added' }, ...saying('added') } } : {}),
          item: { match: { path: '/items/:id' }, ...saying('${path.id}') },
          form: { match: { path: '/items/:id', method: 'POST' }, ...saying('posted ${path.id}') },
          below: { match: { path: { regex: '/old/(?<rest>.*)' } }, ...saying('${path.rest}') },
        },
      };
    };
    const gatehouse = await GatehouseProcess.start(t, generation('one'));
    const hear = async (target: string) => (await ask(gatehouse.port(), target)).body;
    assert.equal(await hear('/items/7'), 'one 7');
    await gatehouse.reconfigure(generation('two'));
    assert.deepEqual(await Promise.all(['/items/8', '/old/a/b', '/added'].map(hear)), ['two 8', 'two a/b', 'two added']);
    assert.equal((await ask(gatehouse.port(), '/items/8', { method: 'POST' })).body, 'two posted 8');
    await gatehouse.reconfigure(generation('one'));
    assert.deepEqual(await Promise.all(['/items/9', '/old/c'].map(hear)), ['one 9', 'one c']);
    assert.equal((await ask(gatehouse.port(), '/added')).status, 404);
  });
}

test('takes a file that is replaced by rename, as editors do', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, saying('one'));
  await replaceFile(gatehouse.file, toFileText(saying('two')));
  await gatehouse.nextEvent('configuration applied');
  assert.equal(await heard(gatehouse), 'two');
});

test('follows the symbolic link that Kubernetes moves when a ConfigMap changes', async (t) => {
  const folder = await makeFolder(t);
  for (const version of ['one', 'two']) {
    await mkdir(join(folder, `..${version}`));
    await writeFile(join(folder, `..${version}/gatehouse.yaml`), toFileText(saying(version)));
    // Both files are as old as each other: only where the link leads has changed.
    await utimes(join(folder, `..${version}/gatehouse.yaml`), 1, 1);
  }
  await symlink('..one', join(folder, '..data'));
  await symlink('..data/gatehouse.yaml', join(folder, 'gatehouse.yaml'));
  const gatehouse = await GatehouseProcess.launch(t, undefined, { folder });
  await gatehouse.untilListening('web');
  assert.equal(await heard(gatehouse), 'one');
  await symlink('..two', join(folder, '..data_tmp'));
  await rename(join(folder, '..data_tmp'), join(folder, '..data'));
  await rm(join(folder, '..one'), { recursive: true });
  await gatehouse.nextEvent('configuration applied');
  assert.equal(await heard(gatehouse), 'two');
});

test('goes on when its file vanishes, and takes what comes back', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, saying('one'));
  await unlink(gatehouse.file);
  gatehouse.signal('SIGHUP');
  const event = await gatehouse.nextEvent('configuration refused');
  assert.equal(event['issue'], 'the file cannot be read: there is no such file');
  assert.equal(await heard(gatehouse), 'one');
  await writeFile(gatehouse.file, toFileText(saying('two')));
  await gatehouse.nextEvent('configuration applied');
  assert.equal(await heard(gatehouse), 'two');
});

test('loads again at SIGHUP, whether the file has changed or not', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, saying('one'));
  gatehouse.signal('SIGHUP');
  await gatehouse.nextEvent('configuration applied');
  assert.equal(await heard(gatehouse), 'one');
  await gatehouse.reconfigure(saying('two'));
  assert.equal(await heard(gatehouse), 'two');
});

for (const threads of [0, 2]) {
  test(`keeps what it has when the new configuration is wrong, with ${threads} data threads`, async (t) => {
    const gatehouse = await GatehouseProcess.start(t, saying('one', { threads }));
    await replaceFile(gatehouse.file, 'version: 1\nlisteners:\n  web: { adress: ":80" }\n');
    const first = await gatehouse.nextEvent('configuration refused');
    const second = await gatehouse.nextEvent('configuration refused');
    assert.equal(first.level, 'error');
    assert.deepEqual(
      [first, second].map(({ file, line, column }) => `${file}:${line}:${column}`),
      ['gatehouse.yaml:3:3', 'gatehouse.yaml:3:10'],
    );
    assert.match(String(second['issue']), /`adress`.*`address`/);
    assert.equal(await heard(gatehouse), 'one');
    await writeFile(gatehouse.file, toFileText(saying('two', { threads })));
    await gatehouse.nextEvent('configuration applied');
    assert.equal(await heard(gatehouse), 'two');
  });

  test(`keeps what it has when a new listener cannot listen, with ${threads} data threads`, async (t) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close());
    const taken = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const gatehouse = await GatehouseProcess.start(t, saying('one', { threads }));
    const listeners = { web: { address: '127.0.0.1:0' }, also: { address: '127.0.0.1:0' }, taken: { address: taken } };
    await replaceFile(gatehouse.file, toFileText(saying('two', { threads, listeners })));
    const event = await gatehouse.nextEvent('configuration refused');
    assert.match(String(event['reason']), new RegExp(`^listener \`taken\` cannot listen on ${taken}: another process`));
    assert.equal(await heard(gatehouse), 'one');
    assert.doesNotMatch(gatehouse.stdout, /also/);
  });
}

test('takes a file that a reference names', async (t) => {
  const folder = await makeFolder(t);
  await writeFile(join(folder, 'greeting.txt'), 'one');
  const gatehouse = await GatehouseProcess.launch(t, saying('${file:greeting.txt}'), { folder });
  await gatehouse.untilListening('web');
  assert.equal(await heard(gatehouse), 'one');
  await replaceFile(join(folder, 'greeting.txt'), 'two');
  await gatehouse.nextEvent('configuration applied');
  assert.equal(await heard(gatehouse), 'two');
});

test('starts and reloads a configuration that is a TypeScript program', async (t) => {
  const program = (text: string) => `
import { defineGateway } from '${library}';

const text: string = '${text}';
export default defineGateway({
  version: 1,
  listeners: { web: { address: '127.0.0.1:0' } },
  threads: 1,
  accessLog: false,
  routes: { all: { match: { path: '/' }, to: { respond: { text } } } },
});
`;
  const gatehouse = await GatehouseProcess.launch(t, program('one'), { file: 'gatehouse.config.ts' });
  await gatehouse.untilListening('web');
  assert.equal(await heard(gatehouse), 'one');
  await writeFile(gatehouse.file, program('two'));
  await gatehouse.nextEvent('configuration applied');
  assert.equal(await heard(gatehouse), 'two');
  await writeFile(gatehouse.file, 'export default {{');
  const event = await gatehouse.nextEvent('configuration refused');
  assert.equal(event['file'], 'gatehouse.config.ts');
  assert.equal(await heard(gatehouse), 'two');
});

test('reloads when a module changes that a program imports, from beside itself or by another one', async (t) => {
  const program = `
import { defineGateway } from '${library}';
import { routes } from './parts/routes.ts';

export default defineGateway({ version: 1, listeners: { web: { address: '127.0.0.1:0' } }, threads: 1, accessLog: false, routes });
`;
  const folder = await makeFolder(t);
  const parts = join(folder, 'parts');
  await mkdir(parts);
  const write = (text: string) => replaceFile(join(parts, 'text.ts'), `export const text: string = ${text};\n`);
  await write("'one'");
  await writeFile(
    join(parts, 'routes.ts'),
    "import { text } from './text.ts';\nexport const routes = { all: { match: { path: '/' }, to: { respond: { text } } } } as const;\n",
  );
  const gatehouse = await GatehouseProcess.launch(t, program, { file: 'gatehouse.config.ts', folder });
  await gatehouse.untilListening('web');
  assert.equal(await heard(gatehouse), 'one');
  await write("'two'");
  await gatehouse.nextEvent('configuration applied');
  assert.equal(await heard(gatehouse), 'two');
  // What is wrong is told with its place, and is mended where it is.
  await write('\n  nothing.at.all');
  const event = await gatehouse.nextEvent('configuration refused');
  assert.deepEqual([event['file'], event['line']], [join('parts', 'text.ts'), 2]);
  assert.match(String(event['issue']), /nothing is not defined/);
  assert.equal(await heard(gatehouse), 'two');
  await write("'three'");
  await gatehouse.nextEvent('configuration applied');
  assert.equal(await heard(gatehouse), 'three');
});

test('takes a change that comes while the file is loaded for the first time', async (t) => {
  const file = join(await makeFolder(t), 'gatehouse.yaml');
  await writeFile(file, toFileText(saying('one')));
  const events: string[] = [];
  let loads = 0;
  const control = new Control({
    clock: systemClock,
    logger: { log: (_, message) => void events.push(message) },
    threads: 0,
    watches: true,
    file,
    async load() {
      const loaded = await loadConfiguration(file, { policies: policyOrder, env: {} });
      if (++loads === 1) await replaceFile(file, toFileText(saying('two')));
      return loaded;
    },
  });
  t.after(() => control.stop());
  await control.start();
  await eventually(() => events.includes('configuration applied'), 'the change is taken');
});

test('does not load again for its own reading, nor twice for one change', async (t) => {
  const gatehouse = await GatehouseProcess.start(t, saying('one'));
  await gatehouse.reconfigure(saying('two'));
  await replaceFile(gatehouse.file, toFileText(saying('three')));
  await gatehouse.nextEvent('configuration applied');
  await gatehouse.reconfigure(saying('four'));
  assert.deepEqual(
    gatehouse.events.map(({ message, version }) => `${message} ${version}`),
    ['configuration applied 2', 'configuration applied 3', 'configuration applied 4'],
  );
});
