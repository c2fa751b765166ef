import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import type { RotateSettings } from '#config/access-log/target-schema.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { LogRotation } from './log-rotation.ts';

async function setUp(t: TestContext, settings: Partial<RotateSettings>) {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-rotation-'));
  t.after(() => rm(folder, { recursive: true }));
  const clock = new FakeClock();
  const file = join(folder, 'access.log');
  const errors: unknown[] = [];
  let putAside = 0;
  const rotation = new LogRotation({
    file,
    settings: { keep: 10, gzip: false, ...settings },
    clock,
    onPutAside: () => {
      putAside += 1;
    },
    onError: (error) => void errors.push(error),
  });
  const names = async () => (await readdir(folder)).sort();
  return { folder, file, clock, rotation, errors, names, countPutAside: () => putAside };
}

test('a file is put aside when it is as long as it may be, and not before', async (t) => {
  const { file, rotation, names, countPutAside } = await setUp(t, { size: 10 });
  await rotation.look();
  await writeFile(file, '123456789');
  await rotation.look();
  assert.deepEqual(await names(), ['access.log']);
  await writeFile(file, '1234567890');
  await rotation.look();
  assert.deepEqual(await names(), ['access.log.20310507T111317Z']);
  assert.equal(countPutAside(), 1);
  await rotation.look();
  assert.equal(countPutAside(), 1);
});

test('a file is put aside when it is old and has lines', async (t) => {
  const { file, clock, rotation, names } = await setUp(t, { every: 60_000 });
  await writeFile(file, '');
  await rotation.look();
  await writeFile(file, 'line\n');
  clock.jumpWallTo((await stat(file)).birthtimeMs + 59_000);
  await rotation.look();
  assert.deepEqual(await names(), ['access.log']);
  clock.advance(1_001);
  await rotation.look();
  assert.equal((await names())[0]?.startsWith('access.log.'), true);
  assert.equal((await names()).length, 1);
});

test('files of the same second have names of their own', async (t) => {
  const { file, rotation, names } = await setUp(t, { size: 1 });
  for (let i = 0; i < 3; i++) {
    await writeFile(file, `${i}`);
    await rotation.look();
  }
  const time = 'access.log.20310507T111317Z';
  assert.deepEqual(await names(), [time, `${time}-1`, `${time}-2`]);
  assert.equal(await readFile(`${file}.20310507T111317Z-2`, 'utf8'), '2');
});

test('the newest are kept, whatever stands beside them', async (t) => {
  const { folder, file, clock, rotation, names } = await setUp(t, { size: 1, keep: 2 });
  const others = ['access.log.1', 'access.log.bak', 'other.log.20310507T111317Z', 'access-log.20310507T111317Z'];
  for (const name of others) await writeFile(join(folder, name), '');
  for (let i = 0; i < 4; i++) {
    await writeFile(file, `${i}`);
    await rotation.look();
    clock.advance(1_000);
  }
  const kept = ['access.log.20310507T111319Z', 'access.log.20310507T111320Z'];
  assert.deepEqual(await names(), [...others, ...kept].sort());
});

test('of files of the same second, too, the newest are kept, compressed or not', async (t) => {
  const { folder, rotation, names } = await setUp(t, { size: 1, keep: 3 });
  const time = 'access.log.20310507T000000Z';
  for (const name of [`${time}.gz`, `${time}-1.gz`, `${time}-9`, `${time}-10.gz`, `${time}-11`])
    await writeFile(join(folder, name), '');
  await rotation.look();
  assert.deepEqual(await names(), [`${time}-10.gz`, `${time}-11`, `${time}-9`]);
});

test('a file is compressed when nobody has written to it for a while', async (t) => {
  const { file, clock, rotation, names } = await setUp(t, { size: 1, gzip: true });
  const text = 'line\n'.repeat(1_000);
  await writeFile(file, text, { mode: 0o640 });
  await utimes(file, clock.wallMs() / 1000, clock.wallMs() / 1000);
  await rotation.look();
  const aside = 'access.log.20310507T111317Z';
  assert.deepEqual(await names(), [aside]);
  clock.advance(9_999);
  await rotation.look();
  assert.deepEqual(await names(), [aside]);
  clock.advance(2);
  await rotation.look();
  assert.deepEqual(await names(), [`${aside}.gz`]);
  assert.equal(gunzipSync(await readFile(`${file}.20310507T111317Z.gz`)).toString(), text);
  assert.equal((await stat(`${file}.20310507T111317Z.gz`)).mode & 0o777, 0o640);
  await rotation.look();
  assert.deepEqual(await names(), [`${aside}.gz`]);
});

test('what a gateway has left half compressed is thrown away', async (t) => {
  const { folder, file, clock, rotation, names } = await setUp(t, { size: 100, gzip: true });
  const aside = 'access.log.20310507T000000Z';
  await writeFile(join(folder, aside), 'line\n');
  await utimes(join(folder, aside), 1, 1);
  await writeFile(join(folder, `${aside}.gz.part`), 'half');
  await writeFile(file, '');
  clock.advance(1);
  await rotation.look();
  assert.deepEqual(await names(), ['access.log', `${aside}.gz`]);
});

test('a folder that is not there is told of once, and no file is no failure', async (t) => {
  const { folder, file, rotation, errors } = await setUp(t, { size: 1 });
  await rotation.look();
  assert.deepEqual(errors, []);
  await rm(folder, { recursive: true });
  await rotation.look();
  await rotation.look();
  assert.equal(errors.length, 1);
  await mkdir(folder);
  await writeFile(file, 'x');
  await rotation.look();
  assert.equal((await readdir(folder)).length, 1);
});

test('what is no file stays where it is', async (t) => {
  const { clock } = await setUp(t, {});
  const errors: unknown[] = [];
  const settings = { size: 1, keep: 1, gzip: false };
  const rotation = new LogRotation({
    file: '/dev/null',
    settings,
    clock,
    onPutAside: () => assert.fail('it was put aside'),
    onError: (error) => void errors.push(error),
  });
  await rotation.look();
  assert.deepEqual(errors, []);
});
