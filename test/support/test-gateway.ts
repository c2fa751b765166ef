/** A real gateway in this process, on real sockets with free ports. Its clock may be a fake one. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '#base/clock.ts';
import type { LogFields, Logger, LogLevel } from '#base/logger.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { loadConfigurationText, loadConfigurationValue } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { Control } from '#runtime/control.ts';
import { ThreadPool } from '#runtime/thread-pool.ts';
import type { EndpointBoard } from '#services/endpoint-board.ts';

export interface LoggedEvent {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields | undefined;
}

export interface TestGateway {
  /** Port of the listener `web`, or of the one that is named. */
  port(listener?: string): number;
  readonly events: readonly LoggedEvent[];
  readonly control: Control;
  /** Replaces the configuration as a reload would; resolves with the refusal's texts, empty when it was taken. */
  reconfigure(input: Partial<GatewayInput>): Promise<readonly string[]>;
  /** Stops at once, then returns all lines of the access log. Later calls return the same. */
  stop(): Promise<Record<string, unknown>[]>;
}

export interface TestGatewayOptions {
  readonly clock?: Clock;
  readonly threads?: number;
  /** One that is soon full. */
  readonly board?: EndpointBoard;
  /** What `${env:NAME}` sees. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts a gateway. Without `listeners` there is one, `web`, on a free port of 127.0.0.1. */
export async function startTestGateway(input: Partial<GatewayInput>, options: TestGatewayOptions = {}): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-test-'));
  const logFile = join(folder, 'access.log');
  const events: LoggedEvent[] = [];
  let present = input;
  const { clock = systemClock, board } = options;
  const logger: Logger = { log: (level, message, fields) => void events.push({ level, message, fields }) };
  const loadOptions = { policies: policyOrder, env: options.env ?? {} };
  const control = new Control({
    clock,
    logger,
    load: () => loadConfigurationValue(withDefaults(present, logFile), folder, loadOptions),
    loadText: (text) => loadConfigurationText(text, join(folder, 'gatehouse.yaml'), loadOptions),
    threads: options.threads ?? 0,
    pool: board && new ThreadPool({ clock, logger, board }),
    watches: false,
  });
  const started = await control.start();
  if ('issues' in started) {
    throw new Error(`the test's configuration is refused: ${JSON.stringify(started)}`);
  }
  let lines: Promise<Record<string, unknown>[]> | undefined;
  return {
    port(listener = 'web') {
      const address = started.listening.find(({ name }) => name === listener)?.address;
      if (address === undefined || !('port' in address)) throw new Error(`no listener ${listener} with a port`);
      return address.port;
    },
    events,
    control,
    async reconfigure(next) {
      present = next;
      const refusal = await control.reload();
      return refusal === undefined ? [] : [...refusal.issues.map(({ message }) => message), ...refusal.reasons];
    },
    stop() {
      lines ??= control.stop().then(() => readLines(logFile, folder));
      return lines;
    },
  };
}

function withDefaults(input: Partial<GatewayInput>, logFile: string): unknown {
  return {
    version: 1,
    listeners: { web: { address: '127.0.0.1:0' } },
    accessLog: { to: { file: logFile }, flushEvery: '10ms' },
    ...input,
  };
}

async function readLines(logFile: string, folder: string): Promise<Record<string, unknown>[]> {
  const text = await readFile(logFile, 'utf8').catch(() => '');
  await rm(folder, { recursive: true, force: true });
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
