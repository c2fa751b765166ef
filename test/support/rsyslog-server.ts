/** A real rsyslogd on free ports and in a folder of its own, which writes what it has understood. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { certificatePaths } from './certificates.ts';
import { eventuallyAnswers } from './eventually.ts';
import { makeFolder } from './gatehouse-process.ts';
import { findFreePort } from './pebble.ts';

const PATIENCE_MS = 60_000;
/** No connection goes out from here by itself, so the ports of one that is down are not taken by somebody else. */
const HOST = '127.0.1.10';
/** This one stands in the certificate. */
const TLS_HOST = '127.0.0.1';
/** It closes each descriptor that it might have, which takes long where these are many. */
const DESCRIPTORS_MAX = 1024;
const fields = {
  pri: 'priority',
  'app-name': 'app',
  hostname: 'host',
  procid: 'processId',
  msgid: 'messageId',
  'structured-data': 'data',
  'protocol-version': 'version',
  inputname: 'input',
  msg: 'text',
} as const;

export type RsyslogMessage = Readonly<Record<(typeof fields)[keyof typeof fields] | 'time', string>>;

export class RsyslogServer {
  readonly #folder: string;
  readonly #ports: { readonly open: number; readonly tls: number };
  #child: ChildProcess | undefined;

  private constructor(folder: string, ports: { open: number; tls: number }) {
    this.#folder = folder;
    this.#ports = ports;
  }

  /** It is ended after the test. */
  static async start(t: TestContext): Promise<RsyslogServer> {
    const folder = await makeFolder(t);
    const server = new RsyslogServer(folder, { open: await findFreePort(HOST), tls: await findFreePort(TLS_HOST) });
    await writeFile(join(folder, 'rsyslog.conf'), server.#configuration);
    t.after(() => server.end());
    await server.run();
    return server;
  }

  get addresses(): { readonly udp: string; readonly tcp: string; readonly tls: string; readonly datagramSocket: string } {
    const { open, tls } = this.#ports;
    return {
      udp: `udp://${HOST}:${open}`,
      tcp: `tcp://${HOST}:${open}`,
      tls: `tls://${TLS_HOST}:${tls}`,
      datagramSocket: `unix:${this.#folder}/dev-log`,
    };
  }

  /** Starts it, again at the same ports, and waits until it accepts connections. */
  async run(): Promise<void> {
    const args = ['-n', '-i', join(this.#folder, 'pid'), '-f', join(this.#folder, 'rsyslog.conf')];
    const command = `ulimit -n ${DESCRIPTORS_MAX}; exec "$0" "$@"`;
    const path = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
    const child = spawn('/bin/sh', ['-c', command, 'rsyslogd', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, PATH: path },
    });
    this.#child = child;
    let complaints = '';
    child.stderr!.on('data', (bytes) => {
      complaints += bytes;
    });
    await eventuallyAnswers(async () => {
      if (child.exitCode !== null) return;
      await Promise.all([accepts(HOST, this.#ports.open), accepts(TLS_HOST, this.#ports.tls)]);
    }, PATIENCE_MS);
    if (child.exitCode !== null) throw new Error(`rsyslogd has ended: ${complaints}`);
  }

  /** It writes what it has before it is gone. */
  async end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGTERM');
    await exited;
  }

  /** What it has written. */
  async read(): Promise<RsyslogMessage[]> {
    const text = await readFile(join(this.#folder, 'out.json'), 'utf8').catch(() => '');
    const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as RsyslogMessage);
  }

  /** The messages of which something is true, once there are so many. */
  readUntil(count: number, isMeant: (message: RsyslogMessage) => boolean): Promise<RsyslogMessage[]> {
    return eventuallyAnswers(async () => {
      const found = (await this.read()).filter(isMeant);
      if (found.length < count) throw new Error(`${found.length} of ${count} messages are there`);
      return found;
    }, PATIENCE_MS);
  }

  get #configuration(): string {
    const { open, tls } = this.#ports;
    const properties = Object.entries(fields).map(
      ([name, shown]) => `property(name="${name}" outname="${shown}" format="jsonf")`,
    );
    const time = 'property(name="timereported" dateFormat="rfc3339" outname="time" format="jsonf")';
    return `global(
  workDirectory="${this.#folder}" maxMessageSize="128k" net.enableDNS="off"
  defaultNetstreamDriverCAFile="${certificatePaths.authority}"
  defaultNetstreamDriverCertFile="${certificatePaths.localhostCert}" defaultNetstreamDriverKeyFile="${certificatePaths.localhostKey}"
)
module(load="imudp")
module(load="imtcp")
module(load="imuxsock" SysSock.Use="off")
template(name="json" type="list") {
  constant(value="{")
  ${[time, ...properties].join('\n  constant(value=",")\n  ')}
  constant(value="}\\n")
}
input(type="imuxsock" socket="${this.#folder}/dev-log" ruleset="all")
input(type="imudp" name="udp" address="${HOST}" port="${open}" ruleset="all")
input(type="imtcp" name="tcp" address="${HOST}" port="${open}" ruleset="all")
input(
  type="imtcp" name="tls" address="${TLS_HOST}" port="${tls}" ruleset="all"
  streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon"
)
ruleset(name="all") { action(type="omfile" file="${this.#folder}/out.json" template="json") }
`;
  }
}

function accepts(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, host, () => {
      socket.destroy();
      resolve();
    });
    socket.on('error', reject);
  });
}
