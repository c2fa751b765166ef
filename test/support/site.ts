/** A folder with files of a test's choice, and a gateway that serves them over real connections. */
import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { RawClient } from './raw-client.ts';
import { startTestGateway, type TestGateway } from './test-gateway.ts';

type Route = NonNullable<GatewayInput['routes']>[string];
type To = Exclude<Route['to'], string | readonly unknown[]>;
type Files = Exclude<Extract<To, { files: unknown }>['files'], string>;

export interface SiteOptions {
  /** Contents by path in the folder. */
  readonly files: Readonly<Record<string, string | Buffer>>;
  readonly settings?: Omit<Files, 'folder'>;
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

export async function startSite(t: TestContext, { files, settings, route, gateway: input }: SiteOptions): Promise<Site> {
  const around = await mkdtemp(join(tmpdir(), 'gatehouse-site-'));
  const folder = join(around, 'site');
  await mkdir(folder);
  for (const [path, content] of Object.entries(files)) await writeSiteFile(folder, path, content);
  const gateway = await startTestGateway({
    routes: { site: { match: { path: '/*' }, ...route, to: { files: { folder, ...settings } } } },
    ...input,
  });
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
