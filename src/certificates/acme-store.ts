/**
 * The folder where account, keys, certificates and challenges are kept, shared by all instances that name it. Every file
 * is written beside its place and renamed into it, so that nobody ever reads half of one, and is readable by the gateway's
 * user alone.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { AcmeChallenges } from '#net/acme-challenges.ts';

export interface StoredAccount {
  readonly keyPem: string;
  /** `undefined` until the directory has said what the account is called. */
  readonly url: string | undefined;
  readonly email: string | undefined;
  /** The account at the authority that it is bound to. */
  readonly externalKeyId: string | undefined;
}

/** What happened to the orders of one certificate since the last one that went well. */
export interface StoredFailure {
  readonly failures: number;
  /** Nobody orders before. */
  readonly notBeforeMs: number;
  readonly problem: string;
}

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;
/** Whatever is longer was not written by a gateway. */
const STATE_BYTES_MAX = 1024 * 1024;
const noChallenges: AcmeChallenges = { http: {}, tlsAlpn: {} };

/** Reads a text that may not be there. What cannot be read for another reason rejects. */
export async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** Changes whenever a file does; `undefined` where there is none. */
export async function readStamp(path: string): Promise<string | undefined> {
  try {
    const { ino, size, mtimeMs } = await stat(path);
    return `${ino} ${size} ${mtimeMs}`;
  } catch {
    // Missing or not readable now: looked at again next time.
    return undefined;
  }
}

/** Writes a file that others see whole or not at all; without a mode it is readable by our user alone. */
export async function writeWhole(path: string, text: string, mode = FILE_MODE): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: FOLDER_MODE });
  const beside = `${path}.${randomBytes(6).toString('hex')}.new`;
  try {
    const file = await open(beside, 'wx', mode);
    try {
      await file.writeFile(text);
      // A machine that fails must not leave an empty file in the place of the key.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

export class AcmeStore {
  readonly #folder: string;
  readonly #accountKey: string;
  readonly #account: string;
  readonly #challenges: string;

  /** `folder` is shared by all directories, `directoryFolder` belongs to one. */
  constructor(folder: string, directoryFolder: string) {
    this.#folder = folder;
    this.#accountKey = join(directoryFolder, 'account.key');
    this.#account = join(directoryFolder, 'account.json');
    this.#challenges = join(folder, 'challenges.json');
  }

  /** Makes the folder. Answers whether others can look into it and that could not be changed. */
  async prepare(): Promise<{ readonly isOpenToOthers: boolean }> {
    await mkdir(this.#folder, { recursive: true, mode: FOLDER_MODE });
    const isOpen = async () => ((await stat(this.#folder)).mode & 0o077) !== 0;
    if (!(await isOpen())) return { isOpenToOthers: false };
    // Mounted volumes often belong to somebody else: then the files inside are closed all the same.
    await chmod(this.#folder, FOLDER_MODE).catch(() => undefined);
    return { isOpenToOthers: await isOpen() };
  }

  async readAccount(): Promise<StoredAccount | undefined> {
    const keyPem = await readIfThere(this.#accountKey);
    if (keyPem === undefined) return undefined;
    const state = parseState(await readIfThere(this.#account));
    return {
      keyPem,
      url: textOf(state?.['url']),
      email: textOf(state?.['email']),
      externalKeyId: textOf(state?.['externalKeyId']),
    };
  }

  async writeAccount({ keyPem, ...rest }: StoredAccount): Promise<void> {
    if ((await readIfThere(this.#accountKey)) !== keyPem) await writeWhole(this.#accountKey, keyPem);
    await writeWhole(this.#account, toText(rest));
  }

  /** What is being shown to the authority, by whichever instance orders now. */
  async readChallenges(nowMs: number): Promise<AcmeChallenges> {
    const state = parseState(await readIfThere(this.#challenges));
    // An instance that died while it ordered leaves its challenges behind.
    if (state === undefined || typeof state['until'] !== 'number' || state['until'] < nowMs) return noChallenges;
    const { http, tlsAlpn } = state['challenges'] as AcmeChallenges;
    return { http, tlsAlpn };
  }

  async writeChallenges(challenges: AcmeChallenges, untilMs: number): Promise<void> {
    await writeWhole(this.#challenges, toText({ until: untilMs, challenges }));
  }

  async removeChallenges(): Promise<void> {
    await rm(this.#challenges, { force: true });
  }

  async readFailure(certificatePath: string): Promise<StoredFailure | undefined> {
    const state = parseState(await readIfThere(toFailurePath(certificatePath)));
    const notBeforeMs = Date.parse(String(state?.['notBefore']));
    if (state === undefined || typeof state['failures'] !== 'number' || Number.isNaN(notBeforeMs)) return undefined;
    return { failures: state['failures'], notBeforeMs, problem: textOf(state['problem']) ?? '' };
  }

  async writeFailure(certificatePath: string, { failures, notBeforeMs, problem }: StoredFailure): Promise<void> {
    const notBefore = new Date(notBeforeMs).toISOString();
    await writeWhole(toFailurePath(certificatePath), toText({ failures, notBefore, problem }));
  }

  async removeFailure(certificatePath: string): Promise<void> {
    await rm(toFailurePath(certificatePath), { force: true });
  }
}

/** The file where the failures of a certificate's orders are kept. Who removes it lets the next order start at once. */
export function toFailurePath(certificatePath: string): string {
  return `${certificatePath.replace(/\.pem$/, '')}.failed.json`;
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** A map from JSON of our own; `undefined` for anything else. */
function parseState(text: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (text === undefined || text.length > STATE_BYTES_MAX) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    // Somebody else's file, or one from before: as good as none.
    return undefined;
  }
}

function toText(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
