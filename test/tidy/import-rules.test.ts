import assert from 'node:assert/strict';
import { test } from 'node:test';
import { consoleImports, importCycles, importDirection, policyImports, testSupportImports } from './import-rules.ts';
import type { Rule } from './repository.ts';

const manifest = JSON.stringify({
  imports: {
    '#gatehouse': './src/gatehouse.ts',
    '#base/*': './src/base/*',
    '#net/*': './src/net/*',
    '#http/*': './src/http/*',
    '#policies/*': './src/policies/*',
    '#schema/*': './src/schema/*',
    '#test/*': './test/*',
  },
});

function findingsIn(rule: Rule, sources: Readonly<Record<string, string>>): string[] {
  const files = Object.entries({ 'package.json': manifest, ...sources }).map(([path, text]) => ({ path, text }));
  return rule(files).map(({ path, line, message }) => `${path}:${line} ${message}`);
}

function assertOneFinding(rule: Rule, sources: Readonly<Record<string, string>>, expected: RegExp): void {
  const findings = findingsIn(rule, sources);
  assert.equal(findings.length, 1, findings.join('\n'));
  assert.match(findings[0]!, expected);
}

test('finds an import that goes up', () => {
  assertOneFinding(
    importDirection,
    { 'src/net/pool.ts': "\nimport { a } from '#http/exchange.ts';" },
    /^src\/net\/pool\.ts:2 .*imports up/,
  );
});

test('finds a type import that goes up', () => {
  assertOneFinding(importDirection, { 'src/base/clock.ts': "import type { A } from '../net/pool.ts';" }, /imports up/);
});

test('finds a re-export and a dynamic import that go up', () => {
  const sources = { 'src/base/clock.ts': "export { a } from '#net/pool.ts';\nconst b = await import('#net/dial.ts');" };
  assert.equal(findingsIn(importDirection, sources).length, 2);
});

test('finds an import between folders of one floor', () => {
  assertOneFinding(importDirection, { 'src/wire/http1/head.ts': "import { a } from '../fields/list.ts';" }, /imports sideways/);
});

test('finds a folder that stands on no floor', () => {
  assertOneFinding(importDirection, { 'src/misc/thing.ts': '' }, /stands on no floor/);
});

test('finds an import of the program from outside the program', () => {
  assertOneFinding(
    importDirection,
    { 'src/base/clock.ts': "import { a } from '#test/support/fake-clock.ts';" },
    /nothing outside src/,
  );
});

test('finds an import that package.json does not map', () => {
  assertOneFinding(importDirection, { 'src/base/clock.ts': "import { a } from '#bsae/limits.ts';" }, /not among the imports/);
});

test('allows imports that go down, stay in their folder, or belong to a test', () => {
  const sources = {
    'src/http/exchange.ts': "import { a } from '#net/pool.ts';\nimport { b } from './body.ts';\nimport { z } from 'zod';",
    'src/base/clock.test.ts': "import { a } from '#net/pool.ts';",
    'src/policies/registry.ts': "import { corsPolicy } from './cors/policy.ts';",
  };
  assert.deepEqual(findingsIn(importDirection, sources), []);
});

test('finds a cycle, named by its files', () => {
  const sources = {
    'src/base/a.ts': "import { b } from './b.ts';",
    'src/base/b.ts': "import type { C } from '#base/c.ts';",
    'src/base/c.ts': "import { a } from './a.ts';",
  };
  assertOneFinding(importCycles, sources, /src\/base\/a\.ts -> src\/base\/b\.ts -> src\/base\/c\.ts -> src\/base\/a\.ts/);
});

test('allows two ways to one file', () => {
  const sources = {
    'src/base/a.ts': "import { b } from './b.ts';\nimport { c } from './c.ts';",
    'src/base/b.ts': "import { c } from './c.ts';",
    'src/base/c.ts': '',
  };
  assert.deepEqual(findingsIn(importCycles, sources), []);
});

test('finds a policy that imports another policy', () => {
  assertOneFinding(
    policyImports,
    { 'src/policies/cors/policy.ts': "import { jwtPolicy } from '#policies/jwt/policy.ts';" },
    /no other policy/,
  );
});

test('finds an import past the policy.ts of a policy', () => {
  assertOneFinding(
    policyImports,
    { 'src/snapshot/compile.ts': "import { jwtConfig } from '#policies/jwt/config.ts';" },
    /only policy\.ts/,
  );
});

test('finds a config.ts that imports more than zod and #schema', () => {
  const text = "import { z } from 'zod';\nimport { bytes } from '#schema/bytes.ts';\nimport { a } from './limiter.ts';";
  assertOneFinding(policyImports, { 'src/policies/cors/config.ts': text }, /:3 .*only zod and #schema/);
});

test('finds an errors.ts that imports more than #base', () => {
  const text = "import { defineErrors } from '#base/errors.ts';\nimport { z } from 'zod';";
  assertOneFinding(policyImports, { 'src/policies/cors/errors.ts': text }, /:2 .*only #base/);
});

test('finds test support in anything but tests and bench', () => {
  const text = "import { fakeClock } from '#test/support/fake-clock.ts';";
  assertOneFinding(
    testSupportImports,
    { 'scripts/build.ts': text, 'src/base/a.test.ts': text, 'bench/run.ts': text },
    /^scripts\/build\.ts/,
  );
});

test('finds an import of the console that leads into the program', () => {
  const ownAndPackages = "import { useState } from 'react';\nimport { ask } from '../api/ask.ts';\n";
  const named = "import { limits } from '#base/limits.ts';";
  assertOneFinding(consoleImports, { 'console/src/pages/a.tsx': ownAndPackages + named }, /a\.tsx:3 #base/);
  const relative = "import type { ServiceView } from '../../../src/admin/service-administration.ts';";
  assertOneFinding(consoleImports, { 'console/src/pages/a.tsx': ownAndPackages + relative }, /a\.tsx:3 \.\.\/\.\./);
});
