/**
 * Sees to it that the programs the tests talk to are there. A missing one is installed from Debian's packages where that
 * is possible (as root, with apt-get); otherwise it is named, and the tests that need it skip and say so.
 *
 * Usage: node scripts/ensure-test-tools.ts
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

interface TestTool {
  readonly command: string;
  /** The Debian package that brings it. */
  readonly package: string;
}

const testTools: readonly TestTool[] = [
  { command: 'chromium', package: 'chromium' },
  { command: 'curl', package: 'curl' },
  { command: 'haproxy', package: 'haproxy' },
  { command: 'h2load', package: 'nghttp2-client' },
  { command: 'kcat', package: 'kcat' },
  { command: 'nghttp', package: 'nghttp2-client' },
  { command: 'nghttpd', package: 'nghttp2-server' },
  { command: 'nginx', package: 'nginx' },
  { command: 'openssl', package: 'openssl' },
  { command: 'pebble', package: 'pebble' },
  { command: 'prometheus', package: 'prometheus' },
  { command: 'promtool', package: 'prometheus' },
  { command: 'redis-server', package: 'redis-server' },
  // It depends on `rsyslog`, and brings what that needs for TLS.
  { command: 'rsyslogd', package: 'rsyslog-gnutls' },
  { command: 'testssl', package: 'testssl.sh' },
];

/** Where servers are installed; ordinary users do not have these folders on their PATH. */
const serverFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The PATH for tests: the user's own, then the folders of servers. */
export function testPath(path: string = process.env['PATH'] ?? ''): string {
  const folders = path.split(delimiter);
  return [...folders, ...serverFolders.filter((folder) => !folders.includes(folder))].join(delimiter);
}

/** Installs what is missing and may be installed. Answers the commands that are missing still. */
export function ensureTestTools(tools: readonly TestTool[] = testTools): string[] {
  const missing = tools.filter(({ command }) => !isInstalled(command));
  if (missing.length > 0 && mayInstall()) install(missing.map((tool) => tool.package));
  return missing.filter(({ command }) => !isInstalled(command)).map(({ command }) => command);
}

/** Says which tools are missing. In CI that is a failure, because nobody would read which tests were skipped. */
export function reportMissingTools(missing: readonly string[], isContinuousIntegration: boolean): boolean {
  if (missing.length === 0) return true;
  const packages = testTools.filter(({ command }) => missing.includes(command)).map((tool) => tool.package);
  console.log(`missing for some tests: ${missing.join(', ')} (Debian: apt-get install ${packages.join(' ')})`);
  console.log(
    isContinuousIntegration ? 'CI runs every test, so this is a failure.' : 'The tests that need them are skipped and say so.',
  );
  return !isContinuousIntegration;
}

function isInstalled(command: string): boolean {
  return testPath()
    .split(delimiter)
    .some((folder) => isExecutable(join(folder, command)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not there, or not ours to run: both mean that the next folder is asked.
    return false;
  }
}

function mayInstall(): boolean {
  return process.getuid?.() === 0 && isInstalled('apt-get');
}

function install(packages: readonly string[]): void {
  console.log(`installing ${packages.join(' ')} for the tests`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update'], ['install', '--yes', '--no-install-recommends', ...packages]]) {
    const { status, stderr } = spawnSync('apt-get', ['--quiet', ...args], {
      env: environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    if (status !== 0) console.log(`apt-get ${args[0]} failed: ${stderr?.toString().trim()}`);
  }
}

if (import.meta.main) {
  const isComplete = reportMissingTools(ensureTestTools(), process.env['CI'] === 'true');
  process.exitCode = isComplete ? 0 : 1;
}
