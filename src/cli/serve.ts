/** The gateway as a process: started, told of signals, ended. */
import { resolve } from 'node:path';
import { systemClock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { formatIssue } from '#config/issue.ts';
import { loadConfiguration, loadConfigurationText } from '#config/load.ts';
import { formatAddress } from '#net/address.ts';
import { policyOrder } from '#policies/registry.ts';
import { keepCompiledCode } from '#runtime/compiled-code.ts';
import { Control } from '#runtime/control.ts';
import type { ListeningAt } from '#runtime/listener-set.ts';
import type { Refusal } from '#runtime/refusal.ts';
import type { ThreadPool } from '#runtime/thread-pool.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

/** A second signal does not wait for the first one's work. */
const EXIT_INTERRUPTED = 130;
const ENDING_MS = 1_000;

export interface Serving {
  /** The configuration, as the user named it. */
  readonly file: string;
  readonly threads: number | undefined;
  readonly pool: ThreadPool;
  readonly logger: Logger;
}

/** Serves until a signal; the result is the exit status. */
export async function serve({ file, threads, pool, logger }: Serving, io: CommandIo): Promise<number> {
  const path = resolve(io.cwd, file);
  const options = { policies: policyOrder, env: io.env, shownAs: file };
  const control = new Control({
    clock: systemClock,
    logger,
    load: () => loadConfiguration(path, options),
    loadText: (text) => loadConfigurationText(text, path, options),
    threads,
    pool,
    watches: true,
    file: path,
    onListening: (opened) => showListening(opened, io),
  });
  const ended = untilSignal(control);
  const started = await control.start();
  if ('issues' in started) {
    exitSoon(EXIT_REFUSED);
    return showRefusal(started, io);
  }
  const admin = started.admin === undefined ? [] : [{ name: 'admin', address: started.admin, scheme: started.adminScheme }];
  showListening([...started.listening, ...admin], io);
  keepCompiledCode();
  return ended;
}

function showRefusal({ issues, reasons }: Refusal, io: CommandIo): number {
  for (const issue of issues) io.stderr(`${formatIssue(issue)}\n`);
  for (const reason of reasons) io.stderr(`gatehouse start: ${reason}\n`);
  return EXIT_REFUSED;
}

function showListening(listening: readonly ListeningAt[], io: CommandIo): void {
  for (const { name, address, scheme } of listening) {
    const where = formatAddress(address);
    io.stdout(`listening ${name} ${'path' in address ? where : `${scheme}://${where}`}\n`);
  }
}

/** Ends the process even if a configuration that is a program has started what does not end by itself. */
function exitSoon(exitStatus: number): void {
  setTimeout(() => process.exit(exitStatus), ENDING_MS).unref();
}

/** Resolves with the exit status once a signal has ended the gateway. */
function untilSignal(control: Control): Promise<number> {
  return new Promise((resolve) => {
    let isEnding = false;
    const end = () => {
      if (isEnding) process.exit(EXIT_INTERRUPTED);
      isEnding = true;
      void control.drain().then(() => {
        exitSoon(EXIT_OK);
        resolve(EXIT_OK);
      });
    };
    process.on('SIGTERM', end);
    process.on('SIGINT', end);
    process.on('SIGHUP', () => {
      control.reopenLogs();
      void control.reload();
    });
  });
}
