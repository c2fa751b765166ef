/** The page about audits has a row for every finding, as the rules say it; and the demo is one that an audit accepts. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { uselessAcceptance } from '#auditing/audit.ts';
import { auditRules } from '#auditing/rules.ts';
import { runAudit } from '#cli/audit.ts';
import { runCommand } from '#test/support/command.ts';
import { repositoryRoot } from '../tidy/repository.ts';

test('every finding is described as its rule says, and every one that is described is there', () => {
  const page = readFileSync(join(repositoryRoot, 'docs/audit.md'), 'utf8');
  const rows = page.split('\n').filter((line) => line.startsWith('| `') && line.split(' | ').length === 4);
  const cells = rows.map((row) =>
    row
      .slice(2, -2)
      .split(' | ')
      .map((cell) => cell.trim()),
  );
  const wanted = [...auditRules, uselessAcceptance].map(({ id, severity, because, mend }) => [
    `\`${id}\``,
    severity,
    because,
    mend,
  ]);
  assert.deepEqual(cells, wanted);
});

test('nothing is found in the demo that it does not accept', async () => {
  const { stdout, status } = await runCommand(runAudit, [], join(repositoryRoot, 'examples/drone-delivery'));
  assert.equal(status, 0, stdout);
});
