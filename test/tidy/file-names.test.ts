import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileNames, machineIndependence } from './file-names.ts';

function pathsRefused(...paths: readonly string[]): string[] {
  return fileNames(paths.map((path) => ({ path, text: '' }))).map(({ path }) => path);
}

test('finds files that are named after a category', () => {
  const paths = [
    'src/net/utils.ts',
    'src/net/index.ts',
    'src/http/types.ts',
    'src/http/header-helpers.ts',
    'test/support/common.ts',
  ];
  assert.deepEqual(pathsRefused(...paths), paths);
});

test('finds names that are not kebab-case', () => {
  const paths = ['src/net/ConnectionPool.ts', 'src/net/connection_pool.ts', 'src/netWork/pool.ts'];
  assert.deepEqual(pathsRefused(...paths), paths);
});

test('accepts kebab-case with what kind of file it is behind a dot', () => {
  assert.deepEqual(
    pathsRefused('src/net/connection-pool.ts', 'src/net/pool.test.ts', 'src/wire/http1/head.fuzz.ts', 'gatehouse.config.ts'),
    [],
  );
});

test('finds paths of one machine', () => {
  const folder = ['', 'home', 'ann', 'gatehouse'].join('/');
  const [finding] = machineIndependence([{ path: 'README.md', text: `Run it:\n\n    cd ${folder}\n` }]);
  assert.equal(finding?.line, 3);
});

test('finds hosts that packages come from', () => {
  const host = ['registry', 'npmjs', 'org'].join('.');
  assert.equal(machineIndependence([{ path: 'package-lock.json', text: `"resolved": "https://${host}/zod"` }]).length, 1);
});

test('accepts paths inside a container or a URL', () => {
  assert.deepEqual(
    machineIndependence([{ path: 'README.md', text: '/etc/gatehouse/gatehouse.yaml, http://a/work/b and /work' }]),
    [],
  );
});
