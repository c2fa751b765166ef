import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { rewriteConfig } from '#policies/rewrite/config.ts';
import { formatIssue } from './issue.ts';
import {
  type LoadedConfiguration,
  type LoadOptions,
  loadConfiguration,
  loadConfigurationText,
  loadConfigurationValue,
} from './load.ts';

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-config-'));
after(() => rmSync(folder, { recursive: true }));

const options: LoadOptions = {
  policies: [{ name: 'rewrite', loadConfig: async () => rewriteConfig }],
  env: { PORT: '8081', THREADS: '3' },
};

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function lines({ issues }: LoadedConfiguration): string[] {
  return issues.map(formatIssue).map((line) => line.replaceAll(`${folder}/`, ''));
}

const TEXT =
  'version: 1\nlisteners: { web: { address: ":${env:PORT}", tls: { certificates: [{ cert: a.pem, key: b.key }] } } }\n';

test('loads a file from disk, with its paths and references relative to it', async () => {
  const file = write('a.yaml', `${TEXT}forwarding: { via: "\${file:name.txt}" }\n`);
  write('name.txt', 'edge\n');
  const { configuration, issues, files } = await loadConfiguration(file, options);
  assert.deepEqual(issues, []);
  assert.deepEqual(configuration?.listeners['web']?.address, { host: '::', port: 8081 });
  assert.deepEqual(configuration?.listeners['web']?.tls?.certificates, [
    { kind: 'file', cert: join(folder, 'a.pem'), key: join(folder, 'b.key') },
  ]);
  assert.equal(configuration?.forwarding.via, 'edge');
  assert.deepEqual(files, [file, join(folder, 'name.txt')]);
});

test('loads JSON', async () => {
  const file = write('a.json', '{ "version": 1, "listeners": { "web": { "address": ":1" } } }');
  assert.deepEqual((await loadConfiguration(file, options)).configuration?.listeners['web']?.address, { host: '::', port: 1 });
});

test('says that a file is missing, and watches for it', async () => {
  const file = join(folder, 'missing.yaml');
  const loaded = await loadConfiguration(file, options);
  assert.deepEqual(lines(loaded), ['missing.yaml the file cannot be read: there is no such file']);
  assert.deepEqual(loaded.files, [file]);
});

test('says that a folder is no file', async () => {
  assert.deepEqual(lines(await loadConfiguration(folder, { ...options, shownAs: 'x' })), [
    'x the file cannot be read: it is a folder',
  ]);
});

test('watches the files of references that cannot be read', async () => {
  const file = write('gone.yaml', `${TEXT}forwarding: { via: "\${file:gone.txt}" }\n`);
  const loaded = await loadConfiguration(file, options);
  assert.deepEqual(loaded.files, [file, join(folder, 'gone.txt')]);
  assert.match(lines(loaded)[0]!, /^gone\.yaml:3:20 forwarding\.via: the file ".*" cannot be read: there is no such file$/);
});

test('loads a program and its types', async () => {
  const file = write(
    'a.config.ts',
    'const port: number = 8080;\nexport default { version: 1, listeners: { web: { address: `:${port}` } } };\n',
  );
  const { configuration, issues } = await loadConfiguration(file, options);
  assert.deepEqual(issues, []);
  assert.deepEqual(configuration?.listeners['web']?.address, { host: '::', port: 8080 });
});

test('runs a program anew at each load', async () => {
  const file = write('b.config.ts', 'export default { version: 1, listeners: { a: { address: ":1" } } };\n');
  await loadConfiguration(file, options);
  write('b.config.ts', 'export default { version: 1, listeners: { b: { address: ":1" } } };\n');
  const { configuration } = await loadConfiguration(file, options);
  assert.deepEqual(Object.keys(configuration?.listeners ?? {}), ['b']);
});

test('names the path of a mistake in a program, and no line that would mislead', async () => {
  const file = write('c.config.ts', 'export default { version: 1, listeners: { a: { address: 1 } }, rotes: {} };\n');
  assert.deepEqual(lines(await loadConfiguration(file, options)), [
    'c.config.ts listeners.a.address: expected an address such as `0.0.0.0:8080`, not the number 1',
    'c.config.ts rotes: unknown key `rotes`; did you mean `routes`?',
  ]);
});

test('says that a program exports nothing', async () => {
  const file = write('d.config.ts', 'export const gateway = {};\n');
  assert.deepEqual(lines(await loadConfiguration(file, options)), [
    'd.config.ts the file has no default export; write `export default defineGateway({ … })`',
  ]);
});

test('says where a program fails', async () => {
  const file = write('e.config.ts', 'const services = undefined;\nexport default { version: services.version };\n');
  const [line] = lines(await loadConfiguration(file, options));
  assert.match(line!, /^e\.config\.ts:2:\d+ the file cannot be run: Cannot read properties of undefined/);
});

test('says that a program is not even one', async () => {
  const file = write('f.config.ts', 'export default {\n  version: = 1,\n};\n');
  const [line] = lines(await loadConfiguration(file, options));
  assert.match(line!, /^f\.config\.ts(:2(:\d+)?)? the file cannot be run: /);
});

test('loads a value, relative to a folder', async () => {
  const value = { version: 1, listeners: { web: { address: ':1' } }, accessLog: { to: { file: 'a.log' } } };
  const { configuration } = await loadConfigurationValue(value, '/var/log', options);
  assert.deepEqual(configuration?.accessLog, { flushEvery: 200, logs: [{ to: { kind: 'file', file: '/var/log/a.log' } }] });
});

test('reads numbers and booleans where a reference is all of the text', async () => {
  const text = `${TEXT}threads: \${env:THREADS}\nservices: { a: { endpoints: [{ url: http://a, weight: "\${env:WEIGHT:-7}" }] } }\n`;
  const { configuration, issues } = await loadConfigurationText(text, 'F', options);
  assert.deepEqual(issues, []);
  assert.deepEqual([configuration?.threads, configuration?.services['a']?.endpoints[0]?.weight], [3, 7]);
});

test('does not read numbers where a reference is a part of the text, or stands for something else', async () => {
  const text = `${TEXT}threads: "\${env:THREADS}\${env:THREADS}"\ndns: { ttlMin: "\${env:THREADS}" }\n`;
  assert.deepEqual(lines(await loadConfigurationText(text, 'F', options)), [
    'F:3:10 threads: expected a number, not the text "${env:THREADS}${env:THREADS}"',
    'F:4:16 dns.ttlMin: "${env:THREADS}" has no unit; write `3s` or `3ms`',
  ]);
});

test('shows what was written in a message, not what a reference stands for', async () => {
  const text = `${TEXT}services: { a: { endpoints: ["\${env:URL}"] } }\n`;
  const loaded = await loadConfigurationText(text, 'F', { ...options, env: { PORT: '1', URL: 'hunter2' } });
  assert.deepEqual(lines(loaded), ['F:3:30 services.a.endpoints[0]: "${env:URL}" is not a URL; write `http://${env:URL}`']);
});

test('says nothing about the use of a reference that has no value', async () => {
  const text = `${TEXT}services: { a: { endpoints: ["\${env:URL}"] } }\nthreads: many\n`;
  assert.deepEqual(lines(await loadConfigurationText(text, 'F', options)), [
    'F:3:30 services.a.endpoints[0]: the environment variable `URL` is not set; set it, or give a default: `${env:URL:-default}`',
    'F:4:10 threads: expected a number, not the text "many"',
  ]);
});
