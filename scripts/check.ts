/**
 * Checks everything that can be checked without running the program, all at once, and shows only what failed.
 *
 * Usage: npm run check
 */
import { globSync } from 'node:fs';
import { repositoryRoot, runTool, type ToolResult, toolPath } from './run-tool.ts';

interface Check {
  readonly name: string;
  readonly run: () => Promise<ToolResult>;
}

const checks: readonly Check[] = [
  { name: 'format and lint', run: () => runTool(toolPath('biome'), ['check', '--error-on-warnings', '--max-diagnostics=100']) },
  { name: 'types', run: () => runTool(toolPath('tsc'), ['--noEmit', '--pretty', 'false']) },
  {
    name: 'types of the console',
    run: () => runTool(toolPath('tsc'), ['--project', 'console', '--noEmit', '--pretty', 'false']),
  },
  { name: 'unused code', run: () => runTool(process.execPath, [toolPath('knip'), '--no-progress', '--no-config-hints']) },
];

/** `npm test` runs the tidy tests with all others, so there they are left out of the checks. */
const houseRules: Check = {
  name: 'house rules',
  run: () => {
    const files = globSync('test/tidy/**/*.test.ts', { cwd: repositoryRoot });
    return runTool(process.execPath, ['--test', '--test-isolation=none', '--test-reporter=dot', ...files]);
  },
};

/** Answers whether all checks passed. */
export async function runChecks(options: { readonly withHouseRules: boolean }): Promise<boolean> {
  const startedMs = performance.now();
  const chosen = options.withHouseRules ? [...checks, houseRules] : checks;
  const results = await Promise.all(chosen.map(async ({ name, run }) => ({ name, ...(await run()) })));
  const failed = results.filter(({ exitCode }) => exitCode !== 0);
  for (const { name, output } of failed) console.log(`\n=== ${name} ===\n${output}\n`);
  const passed = failed.length === 0;
  const names = (passed ? results : failed).map(({ name }) => name).join(', ');
  console.log(`check ${passed ? 'passed' : 'FAILED'}: ${names} (${((performance.now() - startedMs) / 1000).toFixed(1)} s)`);
  return passed;
}

if (import.meta.main) process.exitCode = (await runChecks({ withHouseRules: true })) ? 0 : 1;
