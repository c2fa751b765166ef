/** `gatehouse hash-password`: the slow hash of a password, for a configuration. */
import { randomBytes } from 'node:crypto';
import { derivePasswordHash, formatScryptHash, usualScrypt } from '#base/password-hash.ts';
import { readArguments } from './arguments.ts';
import { type CommandIo, EXIT_OK, EXIT_REFUSED } from './command-io.ts';

/** Longer ones could not be shown: the policy reads no more. */
const PASSWORD_BYTES_MAX = 512;

const syntax = {
  name: 'hash-password',
  options: {},
  help: `Usage: gatehouse hash-password < FILE
       printf %s "$PASSWORD" | gatehouse hash-password

Reads a password from the standard input, so that it stands in no list of processes and in no history, and prints its hash
(scrypt, as a PHC string) for \`password\` of a consumer:

  consumers:
    alice: { password: "$scrypt$ln=14,r=8,p=5$..." }

A line break at the end does not count.

Options:
  -h, --help  this text
`,
} as const;

/** Runs the command; the result is the exit status. */
export async function runHashPassword(
  args: string[],
  io: CommandIo,
  input: AsyncIterable<Buffer | string> = process.stdin,
): Promise<number> {
  const read = readArguments(args, syntax, io);
  if ('exitStatus' in read) return read.exitStatus;
  if (io.isTerminal) io.stderr('Write the password and end it with Ctrl-D; it is seen while you write.\n');
  const password = await readPassword(input);
  const problem = password === undefined ? `is too long; at most ${PASSWORD_BYTES_MAX} bytes` : findProblem(password);
  if (password === undefined || problem !== undefined) {
    io.stderr(`gatehouse hash-password: the password ${problem}\n`);
    return EXIT_REFUSED;
  }
  const { saltBytes, hashBytes, cost, blockSize, parallelism } = usualScrypt;
  const salt = randomBytes(saltBytes);
  const like = { kind: 'scrypt', cost, blockSize, parallelism, salt, hash: Buffer.alloc(hashBytes) } as const;
  io.stdout(`${formatScryptHash({ salt, hash: await derivePasswordHash(password, like) })}\n`);
  return EXIT_OK;
}

function findProblem(password: string): string | undefined {
  if (password === '') return 'is empty';
  return /[\x00-\x1f\x7f]/.test(password) ? 'has control characters; a client could not send it' : undefined;
}

/** `undefined`: it is too long. */
async function readPassword(input: AsyncIterable<Buffer | string>): Promise<string | undefined> {
  const decoder = new TextDecoder();
  let written = '';
  for await (const piece of input) {
    written += decoder.decode(Buffer.from(piece), { stream: true });
    // A line break may follow.
    if (written.length > PASSWORD_BYTES_MAX + 2) return undefined;
  }
  const text = (written + decoder.decode()).replace(/\r?\n$/, '');
  return Buffer.byteLength(text) > PASSWORD_BYTES_MAX ? undefined : text;
}
