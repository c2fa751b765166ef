import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { eventually } from '#test/support/eventually.ts';
import { startSource } from '#test/support/source-bench.ts';
import { FileEndpoints } from './file-endpoints.ts';

async function setUp(t: TestContext, text: string | undefined) {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-endpoints-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'endpoints.yaml');
  if (text !== undefined) await writeFile(file, text);
  return { folder, file, bench: startSource(t, (means) => new FileEndpoints({ kind: 'file', file }, means)) };
}

for (const { form, text } of [
  { form: 'YAML', text: '- http://10.0.0.1:80\n- { url: "http://10.0.0.2:80", weight: 3 } # the large one\n' },
  { form: 'JSON', text: '["http://10.0.0.1:80", { "url": "http://10.0.0.2:80", "weight": 3 }]' },
]) {
  test(`reads a list of endpoints, ${form}`, async (t) => {
    const { bench } = await setUp(t, text);
    await bench.until('1 http://10.0.0.1:80', '3 http://10.0.0.2:80');
  });
}

test('follows a file that is written in place, replaced, removed and written again', async (t) => {
  const { file, bench } = await setUp(t, '[http://10.0.0.1:80]');
  await bench.until('1 http://10.0.0.1:80');
  // Longer than before: the times of a file may be as coarse as a few milliseconds.
  await writeFile(file, '[http://10.0.0.2:80] # written in place');
  await bench.until('1 http://10.0.0.2:80');
  await writeFile(`${file}~`, '[http://10.0.0.3:80]');
  await rename(`${file}~`, file);
  await bench.until('1 http://10.0.0.3:80');
  await unlink(file);
  await writeFile(file, '[]');
  await bench.until();
});

test('follows symbolic links that are pointed elsewhere, as Kubernetes does with a mounted ConfigMap', async (t) => {
  const { folder, bench, file } = await setUp(t, undefined);
  await eventually(() => bench.events.length === 1, 'that there is no file is told');
  for (const version of ['one', 'two']) {
    await mkdir(join(folder, version));
    await writeFile(join(folder, version, 'endpoints.yaml'), `[http://${version}:80]`);
  }
  await symlink('one', join(folder, '..data'));
  await symlink('..data/endpoints.yaml', file);
  await bench.until('1 http://one:80');
  await symlink('two', join(folder, '..next'));
  await rename(join(folder, '..next'), join(folder, '..data'));
  await bench.until('1 http://two:80');
});

for (const { mistake, text, expected } of [
  { mistake: 'no list', text: 'orders: http://a', expected: ['1:1 expected a list, not a map'] },
  {
    mistake: 'wrong endpoints',
    text: '- http://a\n- http://a/b\n- { url: http://a, wieght: 2 }\n',
    expected: [
      '2:3 [1]: "http://a/b": an endpoint has no path, query or fragment; leave out "/b" (the `rewrite` policy changes paths)',
      '3:20 [2].wieght: unknown key `wieght`; did you mean `weight`?',
    ],
  },
  {
    mistake: 'a syntax error',
    text: '[http://a',
    expected: ['1:10 flow sequence must end with a ]'],
  },
  { mistake: 'nothing in it', text: '', expected: ['1:1 the file is empty; write `[]` for no endpoints'] },
  {
    mistake: 'endpoints of both kinds',
    text: '[http://a, tcp://b:1]',
    expected: ['1:12 [1]: some endpoints speak HTTP and some take bytes; a service needs endpoints of one kind'],
  },
]) {
  test(`a file with ${mistake} changes nothing and is reported with its place`, async (t) => {
    const { file, bench } = await setUp(t, '[http://10.0.0.1:80]');
    await bench.until('1 http://10.0.0.1:80');
    await writeFile(`${file}~`, text);
    await rename(`${file}~`, file);
    await eventually(() => bench.events.length === expected.length, 'it is reported');
    assert.deepEqual(
      bench.events.map(({ level, message, fields }) => ({ level, message, ...fields })),
      expected.map((shown) => {
        const [place = '', ...issue] = shown.split(' ');
        const [line, column] = place.split(':').map(Number);
        const facts = { service: 'orders', source: 'file', file, line, column, issue: issue.join(' ') };
        return { level: 'error', message: 'endpoints refused', ...facts };
      }),
    );
    assert.deepEqual(bench.endpoints, ['1 http://10.0.0.1:80']);
    await writeFile(file, '[http://10.0.0.2:80]');
    await bench.until('1 http://10.0.0.2:80');
  });
}

test('a file that is too large is refused', async (t) => {
  const { file, bench } = await setUp(t, '[]');
  await bench.until();
  // Put there as a whole: while it is written it could be taken for an empty one.
  await writeFile(`${file}~`, ' '.repeat(8 * 1024 * 1024 + 1));
  await rename(`${file}~`, file);
  await eventually(() => bench.events.length === 1, 'it is reported');
  assert.equal(bench.events[0]!.fields!['issue'], 'the file is too large; at most 8388608 bytes');
});

test('says nothing any more when it is stopped', async (t) => {
  const { file, bench } = await setUp(t, '[http://10.0.0.1:80]');
  await bench.until('1 http://10.0.0.1:80');
  bench.source.stop();
  await writeFile(file, '[http://10.0.0.2:80]');
  assert.equal(bench.told, 1);
});
