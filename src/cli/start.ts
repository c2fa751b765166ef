/** `gatehouse start`: runs the gateway until a signal. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { formatIssue } from '#config/issue.ts';
import { loadConfiguration } from '#config/load.ts';
import { formatAddress } from '#net/address.ts';
import { policyOrder } from '#policies/registry.ts';
import { Control, type Refusal } from '#runtime/control.ts';
import type { ListeningAt } from '#runtime/listener-set.ts';
import { createJsonLogger } from '#telemetry/json-logger.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

const syntax = {
  name: 'start',
  options: { config: { type: 'string', short: 'c' }, threads: { type: 'string', short: 't' } },
  help: `Usage: gatehouse start [--config FILE] [--threads N]

Runs the gateway until a signal ends it. Prints \`listening NAME URL\` for each listener once it accepts connections.

Options:
  -c, --config FILE  the configuration; otherwise the first of ${defaultFileNames.join(', ')}
  -t, --threads N    data threads; 0 serves in the control thread; otherwise one per core
  -h, --help         this text

Signals: SIGTERM and SIGINT finish running requests and end; a second one ends at once. SIGHUP loads the configuration again
and opens log files anew. The configuration is also loaded again when one of its files changes.

Exit status: 0 after a signal, 2 when the configuration is refused.
`,
} as const;

/** A second signal does not wait for the first one's work. */
const EXIT_INTERRUPTED = 130;
const ENDING_MS = 1_000;

/** Runs the command; the result is the exit status. */
export async function runStart(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  const threads = read.values.threads === undefined ? undefined : readThreads(read.values.threads);
  if (threads === null) return refuse(io, `--threads ${read.values.threads}: expected a whole number from 0 to 512`);
  const file = read.values.config ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined) {
    return refuse(
      io,
      `there is no ${defaultFileNames.join(', ')} in ${io.cwd}; name a file with --config FILE, or write one with \`gatehouse init\``,
    );
  }
  const control = new Control({
    clock: systemClock,
    logger: createJsonLogger(systemClock),
    load: () => loadConfiguration(resolve(io.cwd, file), { policies: policyOrder, env: io.env, shownAs: file }),
    threads,
    watches: true,
    onListening: (opened) => showListening(opened, io),
  });
  const ended = untilSignal(control);
  const started = await control.start();
  if ('issues' in started) {
    exitSoon(EXIT_REFUSED);
    return showRefusal(started, io);
  }
  const admin = started.admin === undefined ? [] : [{ name: 'admin', address: started.admin, isSecure: false }];
  showListening([...started.listening, ...admin], io);
  return ended;
}

function readThreads(text: string): number | null {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return count <= 512 ? count : null;
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse start: ${reason}\n`);
  return EXIT_REFUSED;
}

function showRefusal({ issues, reasons }: Refusal, io: CommandIo): number {
  for (const issue of issues) io.stderr(`${formatIssue(issue)}\n`);
  for (const reason of reasons) io.stderr(`gatehouse start: ${reason}\n`);
  return EXIT_REFUSED;
}

function showListening(listening: readonly ListeningAt[], io: CommandIo): void {
  for (const { name, address, isSecure } of listening) {
    const where = formatAddress(address);
    io.stdout(`listening ${name} ${'path' in address ? where : `${isSecure ? 'https' : 'http'}://${where}`}\n`);
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
