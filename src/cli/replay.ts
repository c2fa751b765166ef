/** `gatehouse replay FILE`: what another configuration, or a service, makes of recorded requests. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { defaultFileNames, findDefaultFile } from '#config/default-file.ts';
import { formatIssue } from '#config/issue.ts';
import { loadConfiguration } from '#config/load.ts';
import { type DiffRules, plainRules } from '#http/answer-diff/answer-diff.ts';
import { ignoredFieldsDefault } from '#http/answer-diff/field-difference.ts';
import { parsePointerPattern } from '#http/answer-diff/pointer-pattern.ts';
import { policyOrder } from '#policies/registry.ts';
import type { ComparedReplay } from '#runtime/replay/compare-decisions.ts';
import { rehearse } from '#runtime/replay/rehearse-recording.ts';
import { ReplayReport } from '#runtime/replay/replay-report.ts';
import { RecordingSender } from '#runtime/replay/send-recording.ts';
import { parseDuration } from '#schema/duration-text.ts';
import type { RecordedExchange } from '#telemetry/recording/recorded-exchange.ts';
import { readRecording } from '#telemetry/recording/recording-reader.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';
import { formatReplay } from './replay-text.ts';

const syntax = {
  name: 'replay',
  takesPositionals: true,
  options: {
    config: { type: 'string', short: 'c' },
    env: { type: 'string', multiple: true },
    against: { type: 'string' },
    rate: { type: 'string' },
    concurrency: { type: 'string' },
    methods: { type: 'string' },
    unsafe: { type: 'boolean' },
    header: { type: 'string', short: 'H', multiple: true },
    host: { type: 'string' },
    timeout: { type: 'string' },
    'ignore-header': { type: 'string', multiple: true },
    'ignore-json': { type: 'string', multiple: true },
    'ignore-body': { type: 'boolean' },
    unordered: { type: 'string', multiple: true },
    'exact-numbers': { type: 'boolean' },
    json: { type: 'boolean' },
  },
  help: `Usage: gatehouse replay FILE... [--config FILE] [OPTIONS]
       gatehouse replay FILE... --against URL [OPTIONS]

Takes every request of a recording through a configuration, in this process: nothing listens, nothing is sent, and services
answer what they have answered when the exchange was recorded. Tells what is decided in another way than it was. With
--against, sends the requests to a service or a gateway instead, and compares what it answers.

  gatehouse replay traffic.jsonl --config next.yaml
  gatehouse replay traffic.jsonl --against http://localhost:8080 --rate 50/s

Options:
  -c, --config FILE           the configuration; otherwise the first of ${defaultFileNames.join(', ')}
      --env NAME=VALUE        what \${env:NAME} of the configuration sees; may be repeated
      --against URL           where requests are sent instead
      --rate N/s              how many are sent in a second at most; otherwise 10/s
      --concurrency N         how many are under way at the same time at most; otherwise 4
      --methods GET,HEAD      which methods are sent; otherwise those that change nothing: GET, HEAD and OPTIONS
      --unsafe                with --against: methods that change something may be sent too
  -H, --header 'NAME: VALUE'  a field of each request that is sent, such as a credential; may be repeated
      --host recorded|own     which host requests name: that of the recording (the default), or that of the URL
      --timeout TIME          how long an answer may take; otherwise 10s
      --ignore-header NAME    a field of answers that is not compared; \`x-debug-*\` stands for all that begin so
      --ignore-json POINTER   a place in answers of JSON that is not compared, such as /items/*/updatedAt
      --ignore-body           bodies of answers are not compared
      --unordered POINTER=KEY items of this list are known by their member KEY, whatever their order; may be repeated
      --exact-numbers         1.0 is another number than 1
      --json                  the same as JSON, for programs
  -h, --help                  this text

Exit status: 0 when nothing has changed, 1 when something has, 2 when the configuration, the command line or the recording is
refused.
`,
} as const;

const EXIT_CHANGED = 1;
const RATE_DEFAULT = 10;
const CONCURRENCY_DEFAULT = 4;
const CONCURRENCY_MAX = 1_000;
const TIMEOUT_DEFAULT_MS = 10_000;
const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS'];

type Values = Extract<ReturnType<typeof readReplayArguments>, { values: unknown }>['values'];

function readReplayArguments(args: string[], io: CommandIo) {
  return readArguments(args, syntax, io);
}

/** Whoever replays one exchange; a text: why it does not. */
interface Replayer {
  readonly concurrency: number;
  /** Between the beginnings of two; 0: none. */
  readonly pauseMs: number;
  replay(recorded: RecordedExchange): Promise<ComparedReplay | string>;
  stop(): void | Promise<void>;
}

/** Runs the command; the result is the exit status. */
export async function runReplay(args: string[], io: CommandIo): Promise<number> {
  const read = readReplayArguments(args, io);
  if ('exitStatus' in read) return read.exitStatus;
  const { values, positionals } = read;
  if (positionals.length === 0) return refuse(io, 'expected a recording, such as `gatehouse replay traffic.jsonl`');
  const missing = positionals.find((file) => !existsSync(resolve(io.cwd, file)));
  if (missing !== undefined) return refuse(io, `there is no file ${missing}`);
  const rules = toRules(values);
  if (typeof rules === 'string') return refuse(io, rules);
  const replayer = values.against === undefined ? await createRehearsal(values, rules, io) : createSender(values, rules);
  if (typeof replayer === 'string') return refuse(io, replayer);
  if (typeof replayer === 'number') return replayer;
  const report = new ReplayReport();
  try {
    await replayAll(positionals, replayer, report, io);
  } finally {
    await replayer.stop();
  }
  const { outcome } = report;
  io.stdout(values.json === true ? `${JSON.stringify(outcome, undefined, 2)}\n` : formatReplay(outcome));
  if (outcome.changed > 0) return EXIT_CHANGED;
  return outcome.replayed === 0 && outcome.damaged > 0 ? EXIT_REFUSED : EXIT_OK;
}

async function replayAll(files: readonly string[], replayer: Replayer, report: ReplayReport, io: CommandIo): Promise<void> {
  const running = new Set<Promise<void>>();
  for (const file of files) {
    for await (const { line, read } of readRecording(resolve(io.cwd, file))) {
      const place = `${file}:${line}`;
      if (typeof read === 'string') {
        io.stderr(`${place} ${read}\n`);
        report.addDamaged();
        continue;
      }
      const one: Promise<void> = replayOne(place, read, replayer, report).finally(() => running.delete(one));
      running.add(one);
      if (running.size >= replayer.concurrency) await Promise.race(running);
      if (replayer.pauseMs > 0) await new Promise<void>((done) => setTimeout(done, replayer.pauseMs));
    }
  }
  await Promise.all(running);
}

async function replayOne(place: string, recorded: RecordedExchange, replayer: Replayer, report: ReplayReport): Promise<void> {
  const compared = await replayer.replay(recorded);
  if (typeof compared === 'string') report.skip(compared);
  else report.add({ place, recorded, ...compared });
}

async function createRehearsal(values: Values, rules: DiffRules, io: CommandIo): Promise<Replayer | string | number> {
  const file = values.config ?? findDefaultFile(io.cwd, existsSync);
  if (file === undefined) return `there is no ${defaultFileNames.join(', ')} in ${io.cwd}; name a file with --config FILE`;
  const env: Record<string, string | undefined> = { ...io.env };
  for (const given of values.env ?? []) {
    const equals = given.indexOf('=');
    if (equals <= 0) return `--env ${given}: expected NAME=VALUE`;
    env[given.slice(0, equals)] = given.slice(equals + 1);
  }
  const load = () => loadConfiguration(resolve(io.cwd, file), { policies: policyOrder, env, shownAs: file });
  const rehearsed = await rehearse(load, rules);
  if (!('issues' in rehearsed)) return { concurrency: 1, pauseMs: 0, ...rehearsed };
  for (const issue of rehearsed.issues) io.stderr(`${formatIssue(issue)}\n`);
  for (const reason of rehearsed.reasons) io.stderr(`gatehouse replay: ${reason}\n`);
  return EXIT_REFUSED;
}

function createSender(values: Values, rules: DiffRules): Replayer | string {
  const { against = '', host = 'recorded', timeout } = values;
  const to = URL.parse(against);
  if (to === null || !/^https?:$/.test(to.protocol)) return `--against ${against}: expected a URL such as http://localhost:8080`;
  if (values.config !== undefined) return '--config and --against exclude each other';
  if (host !== 'recorded' && host !== 'own') return `--host ${host}: expected \`recorded\` or \`own\``;
  const rate = values.rate === undefined ? RATE_DEFAULT : Number(/^(\d+(?:\.\d+)?)\/s$/.exec(values.rate)?.[1] ?? 0);
  if (rate <= 0) return `--rate ${values.rate}: expected a number in a second, such as 50/s`;
  const concurrency = values.concurrency === undefined ? CONCURRENCY_DEFAULT : Number(values.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > CONCURRENCY_MAX)
    return `--concurrency ${values.concurrency}: expected a number from 1 to ${CONCURRENCY_MAX}`;
  const methods = values.methods?.split(',').map((method) => method.trim().toUpperCase()) ?? safeMethods;
  const unsafe = methods.filter((method) => !safeMethods.includes(method));
  if (unsafe.length > 0 && values.unsafe !== true)
    return `--methods ${unsafe.join()}: these may change something; allow it with --unsafe`;
  const timeoutMs = timeout === undefined ? TIMEOUT_DEFAULT_MS : parseDuration(timeout);
  if (timeoutMs === undefined) return `--timeout ${timeout}: expected a time such as 10s`;
  const headers = readHeaders(values.header ?? []);
  if (typeof headers === 'string') return headers;
  const sender = new RecordingSender({ to, timeoutMs, concurrency, methods, headers, keepsHost: host === 'recorded' }, rules);
  return { concurrency, pauseMs: 1000 / rate, replay: (recorded) => sender.replay(recorded), stop: () => sender.close() };
}

function readHeaders(lines: readonly string[]): [string, string][] | string {
  const headers: [string, string][] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    if (colon <= 0) return `-H ${JSON.stringify(line.slice(0, 20))}: expected 'name: value'`;
    headers.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]);
  }
  return headers;
}

function toRules(values: Values): DiffRules | string {
  const ignored: (readonly string[])[] = [];
  for (const text of values['ignore-json'] ?? []) {
    const pattern = parsePointerPattern(text);
    if (typeof pattern === 'string') return `--ignore-json ${text}: ${pattern}`;
    ignored.push(pattern);
  }
  const unordered: DiffRules['json']['unordered'][number][] = [];
  for (const text of values.unordered ?? []) {
    const equals = text.lastIndexOf('=');
    const at = parsePointerPattern(equals < 0 ? text : text.slice(0, equals));
    if (typeof at === 'string') return `--unordered ${text}: ${at}`;
    unordered.push({ at, by: equals < 0 ? undefined : text.slice(equals + 1) });
  }
  const names = (values['ignore-header'] ?? []).map((name) => name.toLowerCase());
  return {
    ...plainRules,
    ignoresBody: values['ignore-body'] === true,
    fields: { ignored: [...ignoredFieldsDefault, ...names] },
    json: { ignored, unordered, hasExactNumbers: values['exact-numbers'] === true },
  };
}

function refuse(io: CommandIo, reason: string): number {
  io.stderr(`gatehouse replay: ${reason}\nRun \`gatehouse replay --help\` for its options.\n`);
  return EXIT_REFUSED;
}
