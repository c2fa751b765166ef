/** Reads the arguments of a command, and says what is wrong with them in one line. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { suggestWord } from '#schema/suggest.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

export interface CommandSyntax<Options extends ParseArgsOptionsConfig> {
  readonly name: string;
  readonly options: Options;
  readonly help: string;
  readonly takesPositionals?: boolean;
}

type ParsedValues<Options extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: Options }>>['values'];

export interface ReadArguments<Options extends ParseArgsOptionsConfig> {
  readonly values: ParsedValues<Options>;
  /** Always empty where the command takes none. */
  readonly positionals: readonly string[];
}

/** The values of the options; or the exit status, when help was asked for or the arguments are wrong. */
export function readArguments<const Options extends ParseArgsOptionsConfig>(
  args: readonly string[],
  syntax: CommandSyntax<Options>,
  io: CommandIo,
): ReadArguments<Options> | { readonly exitStatus: number } {
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout(syntax.help);
    return { exitStatus: EXIT_OK };
  }
  try {
    return parseArgs({ args: [...args], options: syntax.options, allowPositionals: syntax.takesPositionals === true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    io.stderr(`gatehouse ${syntax.name}: ${explainArguments(reason, Object.keys(syntax.options))}\n`);
    io.stderr(`Run \`gatehouse ${syntax.name} --help\` for its options.\n`);
    return { exitStatus: EXIT_REFUSED };
  }
}

/** The first sentence says what is wrong; those after it speak of the parser's own conventions. */
function explainArguments(reason: string, options: readonly string[]): string {
  const file = /^Unexpected argument '([\w./-]+\.(?:ya?ml|json|ts))'/.exec(reason)?.[1];
  if (file !== undefined && options.includes('config'))
    return `unexpected argument '${file}'; a configuration is named with --config`;
  const unknown = /^Unknown option '(-[^']*)'/.exec(reason)?.[1];
  if (unknown === undefined)
    return `${reason.charAt(0).toLowerCase()}${reason.slice(1)}`.replace(/\. .*$/s, '').replace(/\n.*$/s, '');
  const suggestion = suggestWord(unknown.replace(/^-+/, ''), options);
  return `unknown option ${unknown}${suggestion === undefined ? '' : `; did you mean --${suggestion}?`}`;
}
