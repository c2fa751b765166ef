/** `gatehouse schema`: the JSON Schema of configurations, for editors. */
import { createConfigurationJsonSchema } from '#config/json-schema.ts';
import { policyOrder } from '#policies/registry.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK } from './command-io.ts';

const syntax = {
  name: 'schema',
  options: {},
  help: `Usage: gatehouse schema > gatehouse.schema.json

Prints the JSON Schema (draft 2020-12) of configurations. Editors check and complete a file that names it:
a YAML file with the comment
  # yaml-language-server: $schema=./gatehouse.schema.json
a JSON file with the key
  "$schema": "./gatehouse.schema.json"

Options:
  -h, --help  this text
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runSchema(args: string[], io: CommandIo): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  io.stdout(`${JSON.stringify(await createConfigurationJsonSchema(policyOrder), undefined, 2)}\n`);
  return EXIT_OK;
}
