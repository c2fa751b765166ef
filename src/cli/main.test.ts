import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { runCommand } from '#test/support/command.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { main } from './main.ts';

const run = (...args: string[]) => runCommand(main, args, tmpdir());

test('without a command it lists the commands, and exits with 2', async () => {
  const { status, stdout, stderr } = await run();
  assert.equal(status, 2);
  assert.equal(stderr, '');
  for (const name of ['start', 'check', 'explain', 'hash-password', 'init', 'schema'])
    assert.match(stdout, new RegExp(`^ {2}${name} +\\w`, 'm'));
});

for (const args of [['--help'], ['-h'], ['help']]) {
  test(`${args.join(' ')} lists the commands`, async () => {
    const { status, stdout } = await run(...args);
    assert.equal(status, 0);
    assert.equal(stdout, (await run()).stdout);
  });
}

for (const option of ['--version', '-v']) {
  test(`${option} prints the version`, async () => {
    assert.deepEqual(await run(option), { status: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });
}

test('a command that does not exist is answered with the one that was meant', async () => {
  const { status, stdout, stderr } = await run('strat');
  assert.equal(status, 2);
  assert.equal(stdout, '');
  assert.equal(stderr, 'gatehouse: unknown command strat; did you mean start?\nRun `gatehouse --help` for the list.\n');
  assert.equal((await run('zzzzzz')).stderr, 'gatehouse: unknown command zzzzzz\nRun `gatehouse --help` for the list.\n');
  assert.equal((await run('constructor')).status, 2);
});

for (const name of ['start', 'check', 'explain', 'hash-password', 'init', 'schema']) {
  test(`${name} explains itself`, async () => {
    const { status, stdout } = await run(name, '--help');
    assert.equal(status, 0);
    assert.match(stdout, new RegExp(`^Usage: gatehouse ${name} ?.*\n`));
  });

  test(`${name} refuses an option that it does not know`, async () => {
    const { status, stderr } = await run(name, '--hepl');
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`^gatehouse ${name}: unknown option --hepl`));
  });
}
