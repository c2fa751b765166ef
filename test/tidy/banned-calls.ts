/** Calls that have a better replacement in this repository, as a table: what, where, and what to use instead. */
import { importsOf } from './imports.ts';
import { type Finding, isProgramPath, type RepositoryFile } from './repository.ts';
import { lineAt, scanSource } from './source-text.ts';

interface BannedCall {
  /** The rule's name, by which exceptions refer to it. */
  readonly rule: string;
  readonly call: RegExp;
  readonly bannedIn: (path: string) => boolean;
  readonly instead: string;
}

const isTypeScript = (path: string) => /\.tsx?$/.test(path);

/** Benches, scripts and examples may wait as they like, and a shutdown has its delays; the rest of the program and its tests never wait for time to pass. */
const maySleepNowhere = (path: string) =>
  isTypeScript(path) && (/^(?:src\/(?!cli\/|runtime\/)|test\/)/.test(path) || path.endsWith('.test.ts'));

/** The program except the folders that talk to the process around it. */
function isProgramOutside(...folders: readonly string[]): (path: string) => boolean {
  return (path) => isProgramPath(path) && !folders.some((folder) => path.startsWith(`src/${folder}/`));
}

const isOrdinaryProgram = isProgramOutside('base', 'cli', 'runtime');

export const bannedCalls: readonly BannedCall[] = [
  {
    rule: 'wall-clock',
    call: /\bDate\.now\b|\bnew Date\(\s*\)|\bDate\(\s*\)/g,
    bannedIn: isProgramPath,
    instead: 'take a Clock (#base/clock.ts) and call wallMs(), so that tests move time',
  },
  {
    rule: 'monotonic-clock',
    call: /\bperformance\.now\b|\bprocess\.(?:hrtime|uptime)\b/g,
    bannedIn: isProgramPath,
    instead: 'take a Clock (#base/clock.ts) and call monotonicMs(), so that tests move time',
  },
  {
    rule: 'timers',
    call: /\b(?:setTimeout|setInterval)\b/g,
    bannedIn: isProgramOutside('cli', 'runtime'),
    instead: 'use the timer wheel (#base/timer-wheel.ts): one per thread, none per request, and its time is fake in tests',
  },
  {
    rule: 'random',
    call: /\bMath\.random\b/g,
    bannedIn: isProgramPath,
    instead: 'use #base/ids.ts for ids, or take a random source as an argument, so that tests repeat',
  },
  {
    rule: 'environment',
    call: /\bprocess\.env\b/g,
    bannedIn: isProgramOutside('cli', 'runtime'),
    instead: 'read the environment in cli or runtime and pass the value down; users write ${env:NAME} in the configuration',
  },
  {
    rule: 'console',
    call: /\bconsole\.\w/g,
    bannedIn: isProgramOutside('cli'),
    instead: 'use the Logger you were given (#base/logger.ts); only commands write to the terminal',
  },
  {
    rule: 'bare-error',
    call: /\bnew (?:Error|TypeError|RangeError|AggregateError)\(/g,
    bannedIn: isOrdinaryProgram,
    instead: 'declare it with defineErrors (#base/errors.ts), return an Issue for configuration, or assert (#base/assert.ts)',
  },
  {
    rule: 'json-parse',
    call: /\bJSON\.parse\b/g,
    bannedIn: isProgramPath,
    instead: 'parse only text whose length is capped, and list the file in test/tidy/exceptions.ts with the cap as its reason',
  },
  {
    rule: 'buffer-concat',
    call: /\bBuffer\.concat\b/g,
    bannedIn: isProgramPath,
    instead:
      'pass chunks on, or join them once under a cap and list the file in test/tidy/exceptions.ts; in a loop it is quadratic',
  },
  {
    rule: 'body-to-string',
    call: /\b\w*(?:[bB]ody|[cC]hunk)\w*\.toString\(/g,
    bannedIn: isProgramPath,
    instead: 'keep bodies as bytes; a policy that needs text asks for it with a cap',
  },
  {
    rule: 'consumer',
    call: /\bexchange\.consumer = /g,
    bannedIn: isProgramOutside('forward'),
    instead: 'call admit() of the ConsumerDirectory, which looks at where the consumer may come from',
  },
  {
    rule: 'fetch',
    call: /(?<![.\w#])(?:globalThis\.)?fetch\((?!.*\)\s*(?::|\{))/g,
    bannedIn: isProgramPath,
    instead: 'use the upstream client (#http): it has limits, timeouts and metrics that fetch lacks',
  },
  {
    rule: 'only',
    call: /\b(?:test|it|describe|suite)\.only\(|\bonly: true\b/g,
    bannedIn: isTypeScript,
    instead: 'run one file with `npm test -- FILE`; a forgotten .only hides every other test',
  },
  {
    rule: 'sleep',
    call: /\bsleep\w*\(|\bnew Promise(?:<[^>]*>)?\(\(?\w*\)?\s*=>\s*\{?\s*setTimeout\(/g,
    bannedIn: maySleepNowhere,
    instead: 'wait for an event or move the fake clock',
  },
];

/** Finds every banned call outside comments and strings. */
export function findBannedCalls(files: readonly RepositoryFile[]): Finding[] {
  return files.filter(({ path }) => isTypeScript(path)).flatMap((file) => [...bannedCallsIn(file), ...promisedTimers(file)]);
}

function bannedCallsIn({ path, text }: RepositoryFile): Finding[] {
  const { code } = scanSource(text);
  return bannedCalls
    .filter(({ bannedIn }) => bannedIn(path))
    .flatMap(({ rule, call, instead }) =>
      [...code.matchAll(call)].map((match) => ({
        rule,
        path,
        line: lineAt(text, match.index),
        message: `${match[0].trim()}: ${instead}`,
      })),
    );
}

/** The promised timers of Node are a sleep under another name. */
function promisedTimers(file: RepositoryFile): Finding[] {
  if (!maySleepNowhere(file.path)) return [];
  return importsOf(file, {})
    .filter(({ specifier }) => specifier === 'node:timers/promises')
    .map(({ from, line, specifier }) => ({
      rule: 'sleep',
      path: from,
      line,
      message: `${specifier}: wait for an event or move the fake clock`,
    }));
}
