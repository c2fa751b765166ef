/** Applies every house rule to this repository. The rules themselves are tested beside their files. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBannedCalls } from './banned-calls.ts';
import { uniqueErrorCodes } from './error-codes.ts';
import { unneededExceptions, withoutExcepted } from './excepted.ts';
import { exceptions } from './exceptions.ts';
import { fileNames, machineIndependence } from './file-names.ts';
import { consoleImports, importCycles, importDirection, policyImports, testSupportImports } from './import-rules.ts';
import { markdownLinks, markdownTitles } from './markdown-pages.ts';
import { completePolicies, registeredPolicies } from './policy-folders.ts';
import { type Rule, readRepository } from './repository.ts';
import { startImports } from './start-imports.ts';

const rules: readonly { readonly promise: string; readonly rule: Rule }[] = [
  { promise: 'folders import only from lower floors', rule: importDirection },
  { promise: 'no file imports itself by a detour', rule: importCycles },
  { promise: 'policies are closed to each other and declare themselves without a runtime', rule: policyImports },
  { promise: 'the console imports nothing of the program', rule: consoleImports },
  { promise: 'only tests and bench import test/support', rule: testSupportImports },
  { promise: 'a start loads nothing that it does not need', rule: startImports },
  { promise: 'no call is made that has a better replacement', rule: findBannedCalls },
  { promise: 'every policy has all its files', rule: completePolicies },
  { promise: 'every policy is registered once', rule: registeredPolicies },
  { promise: 'every error code is declared once', rule: uniqueErrorCodes },
  { promise: 'files are named after the one thing inside', rule: fileNames },
  { promise: 'nothing names a folder of one machine or the host of a package registry', rule: machineIndependence },
  { promise: 'every Markdown page has one title', rule: markdownTitles },
  { promise: 'relative links in Markdown lead somewhere', rule: (files) => markdownLinks(files) },
];

const files = readRepository();
const findings = rules.map(({ promise, rule }) => ({ promise, found: rule(files) }));

for (const { promise, found } of findings) {
  test(promise, () => {
    const lines = withoutExcepted(found, exceptions).map(
      ({ path, line, rule, message }) => `${path}:${line} [${rule}] ${message}`,
    );
    assert.equal(lines.length, 0, `\n${lines.join('\n')}\n`);
  });
}

test('every exception from a rule is still needed and gives a reason', () => {
  const all = findings.flatMap(({ found }) => found);
  const unneeded = unneededExceptions(all, exceptions).map(({ rule, file }) => `${rule}: ${file}`);
  assert.deepEqual(unneeded, []);
  assert.ok(exceptions.every(({ reason }) => reason.length > 10));
});
