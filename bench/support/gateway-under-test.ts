/** The gateway as users run it: `gatehouse start` in a process of its own. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Child, startChild, waitFor } from './child-process.ts';

export const repositoryRoot = join(import.meta.dirname, '../..');

export interface GatewaySettings {
  /** For the configuration and the access log. */
  readonly folder: string;
  readonly services?: Readonly<Record<string, number>>;
  /** HTTP/1.1 when not given. */
  readonly serviceProtocol?: 'http2';
  /** More settings of every service, as they stand in YAML: `concurrency: { adaptive: true }`. */
  readonly serviceSettings?: string;
  /** HTTP/2 requests that a client may have at a time over one connection. */
  readonly streams?: number;
  /** Without it, there is one. */
  readonly accessLog?: boolean;
  /** More lines of the configuration, such as the block `consumers`. */
  readonly more?: string;
  /** Lines of the `routes` block. */
  readonly routes: string;
  /** Files that the listener serves HTTPS with; without them it serves plain HTTP. */
  readonly certificate?: { readonly cert: string; readonly key: string };
  readonly cpu?: number;
  readonly openFiles?: number;
  /** Flags for Node itself. */
  readonly nodeFlags?: readonly string[];
  readonly onLine?: (line: string) => void;
}

export interface GatewayUnderTest {
  readonly child: Child;
  readonly port: number;
  readonly configurationPath: string;
}

/** One data thread, access log to a file, request ids as always. Resolves once it accepts connections. */
export async function startGateway(settings: GatewaySettings): Promise<GatewayUnderTest> {
  const { folder, cpu, openFiles, nodeFlags = [], onLine } = settings;
  const configurationPath = join(folder, 'gatehouse.yaml');
  writeFileSync(configurationPath, writeConfiguration(settings));
  let port: number | undefined;
  const executable = join(repositoryRoot, 'bin/gatehouse');
  const child = startChild(
    [process.execPath, ...nodeFlags, executable, 'start', '--threads', '1', '--config', configurationPath],
    {
      cpu,
      ...(openFiles === undefined ? {} : { openFiles }),
      onLine: (line) => {
        port ??= readPort(line);
        onLine?.(line);
      },
    },
  );
  return { child, port: await waitFor(child, 'the gateway listens', () => port), configurationPath };
}

function readPort(line: string): number | undefined {
  const match = /^listening web https?:\/\/\S+:(\d+)$/.exec(line);
  return match === null ? undefined : Number(match[1]);
}

export function writeConfiguration(settings: GatewaySettings, port = 0): string {
  const {
    folder,
    services = {},
    serviceProtocol,
    serviceSettings,
    streams,
    routes,
    certificate,
    more = '',
    accessLog = true,
  } = settings;
  const protocol = serviceProtocol === undefined ? '' : `, protocol: ${serviceProtocol}`;
  const others = serviceSettings === undefined ? '' : `, ${serviceSettings}`;
  const written = Object.entries(services).map(
    ([name, at]) => `  ${name}: { endpoints: ["http://127.0.0.1:${at}"]${protocol}${others} }\n`,
  );
  const http2 = streams === undefined ? '' : `, http2: { streams: ${streams} }`;
  const tls = certificate === undefined ? '' : `, tls: { certificates: [${JSON.stringify(certificate)}] }`;
  return `version: 1
listeners:
  web: { address: "127.0.0.1:${port}", maxConnections: 100000, timeouts: { keepAlive: 1h }${http2}${tls} }
accessLog: ${accessLog ? `{ to: { file: "${join(folder, 'access.log')}" } }` : 'false'}
shutdown: { deadline: 0s }
${more}services:${written.length === 0 ? ' {}\n' : `\n${written.join('')}`}routes:
${routes}`;
}
