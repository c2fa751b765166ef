import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBuiltSpecifiers } from '../../scripts/built-specifiers.ts';

const importMap = { '#base/*': './src/base/*', '#gatehouse': './src/gatehouse.ts' };

const cases = [
  { what: 'a floor', source: "import { a } from '#base/clock.ts';", built: "import { a } from '../base/clock.js';" },
  { what: 'the same folder', source: "export { a } from './pool.ts';", built: "export { a } from './pool.js';" },
  { what: 'an import without names', source: "import './pool.ts';", built: "import './pool.js';" },
  { what: 'a dynamic import', source: "await import('./pool.ts');", built: "await import('./pool.js');" },
  {
    what: 'an imported type',
    source: 'let a: import("#base/clock.ts").Clock;',
    built: 'let a: import("../base/clock.js").Clock;',
  },
];

for (const { what, source, built } of cases) {
  test(`points ${what} at the built file`, () => {
    assert.equal(toBuiltSpecifiers('src/net/dial.ts', source, importMap), built);
  });
}

test('leaves packages, other files and other strings alone', () => {
  const source =
    "import { z } from 'zod';\nimport p from '../../package.json';\nconst hint = './handler.ts'; // from './pool.ts'";
  assert.equal(toBuiltSpecifiers('src/net/dial.ts', source, importMap), source);
});
