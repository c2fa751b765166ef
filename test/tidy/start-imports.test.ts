import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startImports } from './start-imports.ts';

const manifest = JSON.stringify({ imports: { '#net/*': './src/net/*' } });

function findingsIn(sources: Readonly<Record<string, string>>): string[] {
  const files = Object.entries({ 'package.json': manifest, ...sources }).map(([path, text]) => ({ path, text }));
  return startImports(files).map(({ path, line, message }) => `${path}:${line} ${message.split(':', 2).join(':')}`);
}

test('finds what a data thread loads by a detour', () => {
  const found = findingsIn({
    'src/runtime/data-thread.ts': "import { a } from '#net/one.ts';",
    'src/net/one.ts': "\nimport {\n  type B,\n  b,\n} from './two.ts';",
    'src/net/two.ts': "import { z } from 'zod';\nexport { z };",
  });
  assert.equal(found.length, 1);
  assert.match(found[0]!, /^src\/net\/two\.ts:1 zod is loaded at each start/);
});

test('finds what is imported again to be exported, and what is imported for its types in braces', () => {
  const found = findingsIn({
    'src/cli/start.ts': "export { createServer } from 'node:http';\nimport { type TLSSocket } from 'node:tls';",
  });
  assert.deepEqual(
    found.map((line) => line.replace(/ is loaded.*/, '')),
    ['src/cli/start.ts:1 node:http', 'src/cli/start.ts:2 node:tls'],
  );
});

test('leaves alone what is loaded later, and what is there for its types', () => {
  const found = findingsIn({
    'src/cli/start.ts':
      "import type { Server } from 'node:http';\nexport async function load() {\n  return import('node:tls');\n}\nexport type { TLSSocket } from 'node:tls';",
  });
  assert.deepEqual(found, []);
});
