/** Servers of others that a test starts, each in a folder of its own. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { start } from './programs.ts';

/** Ports that nobody has at the moment. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  const ports = [];
  for (const server of servers) {
    if (!server.listening) await once(server, 'listening');
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** A folder for the files of one test. */
export async function makeFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-program-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Long: on a machine that has much to do, a program takes its time to start. */
const PATIENCE_MS = 20_000;

interface ProgramServer {
  readonly program: 'nginx' | 'haproxy';
  readonly folder: string;
  readonly configuration: string;
  /** Where it accepts connections when it is ready. */
  readonly port: number;
}

/** Runs a server until the end of the test. Resolves when it listens. */
export async function startServer(t: TestContext, { program, folder, configuration, port }: ProgramServer): Promise<void> {
  const file = join(folder, `${program}.conf`);
  await writeFile(file, configuration);
  const child = start(program, program === 'nginx' ? ['-p', folder, '-c', file] : ['-db', '-f', file]);
  let complaints = '';
  child.stderr!.on('data', (bytes) => {
    complaints += bytes;
  });
  t.after(async () => {
    if (child.exitCode !== null) return;
    // Both end at once with this one.
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  const givesUpAt = performance.now() + PATIENCE_MS;
  while (performance.now() < givesUpAt) {
    assert.equal(child.exitCode, null, complaints);
    if (await isListening(port)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail(`${program} does not listen: ${complaints}`);
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  const isOpen = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
  });
  socket.destroy();
  return isOpen;
}
