/** The house rules that Biome holds, each with a snippet that breaks it: a change of biome.json must not lose one. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { repositoryRoot } from './repository.ts';

const longFunction = `export function long(list: number[]): void {\n${'  list.push(0);\n'.repeat(71)}}\n`;

const cases = [
  { what: 'a function of more than seventy lines', file: 'long.ts', rule: 'noExcessiveLinesPerFunction', text: longFunction },
  { what: 'a default export', file: 'default.ts', rule: 'noDefaultExport', text: 'export default 1;\n' },
  { what: 'a barrel', file: 'barrel.ts', rule: 'noBarrelFile', text: "export { pool } from './pool.ts';\n" },
  { what: 'an enum', file: 'enum.ts', rule: 'noEnum', text: 'export enum Side {\n  client = 0,\n}\n' },
  { what: 'any', file: 'any.ts', rule: 'noExplicitAny', text: 'export const value: any = 1;\n' },
  {
    what: 'a parameter property',
    file: 'parameter.ts',
    rule: 'noParameterProperties',
    text: 'export class A {\n  constructor(readonly a: number) {}\n}\n',
  },
];

const folder = mkdtempSync(join(tmpdir(), 'gatehouse-lint-'));
let report = '';

before(() => {
  cpSync(join(repositoryRoot, 'biome.json'), join(folder, 'biome.json'));
  for (const { file, text } of cases) writeFileSync(join(folder, file), text);
  writeFileSync(join(folder, 'long.test.ts'), longFunction);
  const args = ['lint', '--vcs-enabled=false', '--error-on-warnings', '--reporter=github'];
  report = spawnSync(join(repositoryRoot, 'node_modules/.bin/biome'), args, { cwd: folder, encoding: 'utf8' }).stdout;
});

after(() => rmSync(folder, { recursive: true, force: true }));

for (const { what, file, rule } of cases) {
  test(`finds ${what}`, () => {
    const isFound = report.split('\n').some((line) => line.includes(`/${rule},`) && line.includes(`/${file},`));
    assert.ok(isFound, report);
  });
}

test('lets a test be as long as its cases', () => {
  assert.doesNotMatch(report, /long\.test\.ts/);
});
