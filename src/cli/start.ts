/** `gatehouse start`: runs the gateway until a signal. */
import { existsSync } from 'node:fs';
import { systemClock } from '#base/clock.ts';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { ThreadPool } from '#runtime/thread-pool.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import { EventLog } from '#telemetry/event-log.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_REFUSED } from './command-io.ts';

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
  const logger = new EventLog({ clock: systemClock, hasColours: io.env['NO_COLOR'] === undefined });
  const pool = new ThreadPool({ clock: systemClock, logger, board: new EndpointBoard() });
  // The first data thread loads its code while this one loads its own and reads the configuration: half the time to the first answer.
  if (threads !== 0) pool.warmUp();
  const { serve } = await import('./serve.ts');
  return serve({ file, threads, pool, logger }, io);
}

function readThreads(text: string): number | null {
  const count = /^\d{1,3}$/.test(text) ? Number(text) : Number.NaN;
  return count <= 512 ? count : null;
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse start: ${reason}\n`);
  return EXIT_REFUSED;
}
