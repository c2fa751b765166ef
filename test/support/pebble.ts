/** Pebble, the ACME server for tests of the people behind Let's Encrypt, with a name server that leads every name here. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createAuthority, createSigned } from '#certificates/signing.ts';
import { startNameServer } from './name-server.ts';

export interface PebbleOptions {
  /** Where the authority looks for challenges: the ports of listeners. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Names that lead here. */
  readonly names: readonly string[];
  /** External accounts, key by identifier; accounts without one are refused then. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
}

export interface Pebble {
  readonly directory: string;
  /** The file of the authority that signed the certificate of the directory itself. */
  readonly ca: string;
  /** Everything that it has said. */
  readonly log: () => string;
}

const PATIENCE_MS = 10_000;

export async function startPebble(t: TestContext, options: PebbleOptions): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-pebble-'));
  const nowMs = new Date(2026, 0, 1).getTime();
  const authority = await createAuthority('Authority of Pebble', { nowMs, days: 36_500 });
  const server = await createSigned(['127.0.0.1', 'localhost'], authority, { nowMs, days: 36_500 });
  const [port, managementPort] = [await findFreePort(), await findFreePort()];
  const files = {
    ca: join(folder, 'ca.pem'),
    cert: join(folder, 'cert.pem'),
    key: join(folder, 'key.pem'),
    config: join(folder, 'pebble.json'),
  };
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${managementPort}`,
      certificate: files.cert,
      privateKey: files.key,
      httpPort: options.httpPort,
      tlsPort: options.tlsPort,
      ocspResponderURL: '',
      externalAccountBindingRequired: options.externalAccounts !== undefined,
      externalAccountMACKeys: options.externalAccounts ?? {},
    },
  };
  await writeFile(files.ca, authority.certPem);
  await writeFile(files.cert, server.certPem);
  await writeFile(files.key, server.keyPem);
  await writeFile(files.config, JSON.stringify(config));
  const records = options.names.map((name) => [name, { addresses: ['127.0.0.1'], ttlSeconds: 60 }] as const);
  const names = await startNameServer(Object.fromEntries(records));
  const child = spawn('pebble', ['-config', files.config, '-dnsserver', names.address], {
    // It looks at once, and otherwise behaves as it would: some nonces are refused, some authorizations are used again.
    env: { ...process.env, PEBBLE_VA_NOSLEEP: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (log += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  t.after(async () => {
    const closed = once(child, 'close');
    if (child.kill('SIGKILL')) await closed;
    await names.close();
    await rm(folder, { recursive: true, force: true });
  });
  await untilListening(child, () => /ACME directory available/.test(log));
  return { directory: `https://127.0.0.1:${port}/dir`, ca: files.ca, log: () => log };
}

/** A port that nobody has at the moment. */
export async function findFreePort(host = '127.0.0.1'): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('the system gave no port');
  return address.port;
}

function untilListening(child: ChildProcess, isListening: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('pebble does not start')), PATIENCE_MS);
    const look = () => {
      if (!isListening()) return;
      clearTimeout(timer);
      resolve();
    };
    child.stdout!.on('data', look);
    child.stderr!.on('data', look);
    child.once('error', reject);
    child.once('close', () => reject(new Error('pebble has ended')));
    look();
  });
}
