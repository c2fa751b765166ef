/** A folder with files of a test's choice, and a gateway that serves them over real connections. */
import { readdirSync, readlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Clock } from '#base/clock.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { eventually } from './eventually.ts';
import { RawClient } from './raw-client.ts';
import { startTestGateway, type TestGateway } from './test-gateway.ts';

type Route = NonNullable<GatewayInput['routes']>[string];
type To = Exclude<Route['to'], string | readonly unknown[]>;
type Files = Exclude<Extract<To, { files: unknown }>['files'], string>;

export interface SiteOptions {
  /** Contents by path in the folder. */
  readonly files: Readonly<Record<string, string | Buffer>>;
  /** Without `recheck`, each request looks at the folder. */
  readonly settings?: Omit<Files, 'folder'>;
  readonly clock?: Clock;
  readonly route?: Partial<Omit<Route, 'to'>>;
  readonly gateway?: Partial<GatewayInput>;
}

export interface Site {
  readonly gateway: TestGateway;
  /** Of the folder; what stands beside it is outside. */
  readonly folder: string;
  open(): Promise<RawClient>;
  /** Sends a request line and fields over a connection of its own; the whole answer, as latin1. */
  ask(line: string, ...fields: readonly string[]): Promise<string>;
}

/** A time long enough ago for a strong entity tag, and the same in each run. */
export const WRITTEN_AT = new Date('2026-01-02T03:04:05.678Z');

export async function startSite(t: TestContext, { files, settings, clock, route, gateway: input }: SiteOptions): Promise<Site> {
  const around = await mkdtemp(join(tmpdir(), 'gatehouse-site-'));
  const folder = join(around, 'site');
  await mkdir(folder);
  for (const [path, content] of Object.entries(files)) await writeSiteFile(folder, path, content);
  const gateway = await startTestGateway(
    {
      routes: { site: { match: { path: '/*' }, ...route, to: { files: { folder, recheck: '0s', ...settings } } } },
      ...input,
    },
    clock === undefined ? {} : { clock },
  );
  t.after(async () => {
    await gateway.stop();
    await rm(around, { recursive: true, force: true });
  });
  const open = () => RawClient.open(gateway.port());
  return {
    gateway,
    folder,
    open,
    async ask(line, ...fields) {
      const client = await open();
      client.send(`${line} HTTP/1.1\r\nhost: site\r\nconnection: close\r\n${fields.map((field) => `${field}\r\n`).join('')}\r\n`);
      const answer = await client.untilEnd();
      client.close();
      return answer;
    },
  };
}

export async function writeSiteFile(folder: string, path: string, content: string | Buffer, at = WRITTEN_AT): Promise<void> {
  const whole = join(folder, path);
  await mkdir(dirname(whole), { recursive: true });
  await writeFile(whole, content);
  await utimes(whole, at, at);
}

/** What a whole answer says, as latin1. */
export const statusOf = (answer: string) => Number(/^HTTP\/1\.1 ([0-9]{3}) /.exec(answer)?.[1]);
export const bodyOf = (answer: string) => answer.slice(answer.indexOf('\r\n\r\n') + 4);
export const fieldOf = (answer: string, name: string) =>
  new RegExp(`\r\n${name}: ([^\r]*)\r\n`).exec(answer.slice(0, answer.indexOf('\r\n\r\n') + 2))?.[1];
export const codeOf = (answer: string) => (JSON.parse(bodyOf(answer)) as { code: string }).code;

/** Bytes that tell where they stand. */
export function countingBytes(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i + 4 <= length; i += 4) bytes.writeUInt32BE(i, i);
  return bytes;
}

/** Resolves when this process has no file below the folder open. */
export async function assertNothingOpen({ folder }: Site): Promise<void> {
  await eventually(() => listOpenFiles(folder).length === 0, 'no file of the folder is open');
}

function listOpenFiles(folder: string): string[] {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      // It has been closed meanwhile, as the one that this list was read by.
      return false;
    }
  });
}
