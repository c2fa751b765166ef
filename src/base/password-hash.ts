/** Slow hashes of passwords, written as PHC strings: `$scrypt$ln=14,r=8,p=5$SALT$HASH` and `$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH`. */

export interface ScryptHash {
  readonly kind: 'scrypt';
  /** N, a power of two. */
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

export interface Argon2Hash {
  readonly kind: 'argon2';
  readonly algorithm: 'argon2d' | 'argon2i' | 'argon2id';
  readonly memoryKib: number;
  readonly passes: number;
  readonly parallelism: number;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

export type PasswordHash = ScryptHash | Argon2Hash;

/** What one verification may cost: a configuration must not be able to stop a gateway. */
const MEMORY_KIB_MAX = 128 * 1024;
const SCRYPT_WORK_MAX = 2 ** 21;
const SCRYPT_LOG_COST_MIN = 10;
const ARGON2_WORK_KIB_MAX = 512 * 1024;
const PARALLELISM_MAX = 16;
const SALT_BYTES = { min: 8, max: 64 };
const HASH_BYTES = { min: 16, max: 64 };
const PHC =
  /^\$(scrypt|argon2(?:d|i|id))(?:\$v=(\d{1,3}))?\$([a-z]{1,3}=\d{1,9}(?:,[a-z]{1,3}=\d{1,9}){0,4})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/;
const ARGON2_VERSION = '19';

/** Whether it is meant as a hash. A password that begins like one is none that anybody has. */
export function isPasswordHash(text: string): boolean {
  return text.startsWith('$scrypt$') || text.startsWith('$argon2');
}

/** The hash, or what is wrong with it. */
export function parsePasswordHash(text: string): PasswordHash | string {
  const match = PHC.exec(text);
  if (match === null) return 'it is not a PHC string with parameters, salt and hash';
  const [, name = '', version, written = '', saltText = '', hashText = ''] = match;
  const salt = Buffer.from(saltText, 'base64');
  const hash = Buffer.from(hashText, 'base64');
  if (salt.length < SALT_BYTES.min || salt.length > SALT_BYTES.max)
    return `its salt has ${salt.length} bytes; ${SALT_BYTES.min} to ${SALT_BYTES.max} are taken`;
  if (hash.length < HASH_BYTES.min || hash.length > HASH_BYTES.max)
    return `its hash has ${hash.length} bytes; ${HASH_BYTES.min} to ${HASH_BYTES.max} are taken`;
  const parameters = new Map(
    written.split(',').map((pair): [string, number] => [pair.split('=')[0]!, Number(pair.split('=')[1])]),
  );
  if (name === 'scrypt') return toScrypt(parameters, { salt, hash });
  if (version !== ARGON2_VERSION) return `only version ${ARGON2_VERSION} of Argon2 is taken (\`$v=${ARGON2_VERSION}\`)`;
  return toArgon2(name as Argon2Hash['algorithm'], parameters, { salt, hash });
}

interface HashBytes {
  readonly salt: Buffer;
  readonly hash: Buffer;
}

function toScrypt(parameters: ReadonlyMap<string, number>, bytes: HashBytes): ScryptHash | string {
  const { ln, r, p } = Object.fromEntries(parameters);
  if (parameters.size !== 3 || ln === undefined || !r || !p) return 'scrypt has the parameters `ln`, `r` and `p`';
  if (ln < SCRYPT_LOG_COST_MIN) return `\`ln=${ln}\` is too fast to hash passwords; at least ${SCRYPT_LOG_COST_MIN}`;
  const cost = 2 ** ln;
  if ((cost * r) / 8 > MEMORY_KIB_MAX || cost * r * p > SCRYPT_WORK_MAX || p > PARALLELISM_MAX)
    return 'its parameters cost too much for each verification; `ln=17,r=8,p=1` is taken';
  return { kind: 'scrypt', cost, blockSize: r, parallelism: p, ...bytes };
}

function toArgon2(
  algorithm: Argon2Hash['algorithm'],
  parameters: ReadonlyMap<string, number>,
  bytes: HashBytes,
): Argon2Hash | string {
  const { m, t, p } = Object.fromEntries(parameters);
  if (parameters.size !== 3 || !m || !t || !p) return 'Argon2 has the parameters `m`, `t` and `p`';
  if (m < 8 * p) return '`m` has to be at least eight times `p`';
  if (m > MEMORY_KIB_MAX || m * t > ARGON2_WORK_KIB_MAX || p > PARALLELISM_MAX)
    return 'its parameters cost too much for each verification; `m=65536,t=3,p=4` is taken';
  return { kind: 'argon2', algorithm, memoryKib: m, passes: t, parallelism: p, ...bytes };
}

/** What is used where nothing else is said: 16 MiB, and as much work as OWASP advises for that. */
export const usualScrypt = { cost: 2 ** 14, blockSize: 8, parallelism: 5, saltBytes: 16, hashBytes: 32 } as const;

export function formatScryptHash({ salt, hash }: HashBytes): string {
  const { cost, blockSize, parallelism } = usualScrypt;
  const encode = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$scrypt$ln=${Math.log2(cost)},r=${blockSize},p=${parallelism}$${encode(salt)}$${encode(hash)}`;
}

/** Hashes off the loop, in one of the process's worker threads. `node:crypto` is loaded when there is a password to hash. */
export function derivePasswordHash(password: string, like: PasswordHash): Promise<Buffer> {
  const crypto = process.getBuiltinModule('node:crypto');
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const onDerived = (error: Error | null, derived: Buffer) => (error === null ? resolve(derived) : reject(error));
  const { salt, hash, parallelism } = like;
  if (like.kind === 'scrypt') {
    const { cost, blockSize } = like;
    // What scrypt needs at most, by its own reckoning, and something on top.
    const maxmem = 128 * blockSize * (cost + parallelism + 2) + 1024 * 1024;
    crypto.scrypt(password, salt, hash.length, { cost, blockSize, parallelization: parallelism, maxmem }, onDerived);
  } else {
    const { algorithm, memoryKib, passes } = like;
    const parameters = { message: password, nonce: salt, parallelism, tagLength: hash.length, memory: memoryKib, passes };
    crypto.argon2(algorithm, parameters, onDerived);
  }
  return promise;
}

/** Argon2 came with Node.js 24.7. */
export function hasArgon2(): boolean {
  return typeof process.getBuiltinModule('node:crypto').argon2 === 'function';
}
