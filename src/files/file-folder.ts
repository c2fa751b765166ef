/**
 * A folder whose files are served. A file is opened first and looked at then, so that what was looked at is what is read: between a look at a
 * path and its opening, the path can come to mean something else.
 */
import { close, constants, fstat, open, read, readlink, realpath, type Stats, stat } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { FileMemory } from './file-memory.ts';
import { isOpened, type NoFile, type OpenedFile, type Opening } from './opening.ts';

const openFile = promisify(open);
const readFile = promisify(read);
const statFile = promisify(fstat);
const statPath = promisify(stat);
const readLink = promisify(readlink);
/** As the system spells it, where it knows several spellings of a name. */
const findRealPath = promisify(realpath.native);

/** Opening must not wait for whoever writes into a pipe. Devices are no files that are served, but they too are opened before that shows. */
const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOCTTY ?? 0);

/** Who asks for a name that cannot be one, or is no file, asks for something that is not there. */
const MISSING: ReadonlySet<string | undefined> = new Set([
  'ENOENT',
  'ENOTDIR',
  'ENAMETOOLONG',
  'ELOOP',
  'EINVAL',
  'EILSEQ',
  'ENXIO',
]);
const FORBIDDEN: ReadonlySet<string | undefined> = new Set(['EACCES', 'EPERM']);
const EXHAUSTED: ReadonlySet<string | undefined> = new Set(['EMFILE', 'ENFILE']);
/** What is not the fault of a moment. */
const LASTING: ReadonlySet<NoFile['reason']> = new Set(['missing', 'directory', 'outside', 'irregular']);
const NOTHING_OPEN = -1;

export function closeFile({ fd }: OpenedFile): void {
  if (fd !== NOTHING_OPEN) close(fd, noteNothing);
}

/** A file that is replaced stays what it was for who has it open; one that is written to does not. */
export async function isUnchanged({ fd, sizeBytes, modifiedMs }: OpenedFile): Promise<boolean> {
  const { size, mtimeMs } = await statFile(fd);
  return size === sizeBytes && mtimeMs === modifiedMs;
}

export interface FolderRules {
  /** May links lead out of the folder? */
  readonly followsLinks: boolean;
  /** How long what was seen counts as what is there. */
  readonly keptMs: number;
  /** How the system tells which path an open file has. */
  readonly pathsOfOpenFiles?: 'proc' | 'compared';
}

export interface FolderMeans {
  readonly clock: Clock;
  readonly memory: FileMemory;
}

export class FileFolder {
  readonly path: string;
  readonly #followsLinks: boolean;
  readonly #keptMs: number;
  readonly #hasProc: boolean;
  readonly #clock: Clock;
  readonly #memory: FileMemory;
  /** Begins the names under which the memory has its files. */
  readonly #memoryPrefix: string;
  /** Where the folder is, all links followed; found out again when a file does not seem to be in it. */
  #realPath: string | undefined = undefined;

  constructor(path: string, { followsLinks, keptMs, pathsOfOpenFiles }: FolderRules, { clock, memory }: FolderMeans) {
    this.path = path;
    this.#followsLinks = followsLinks;
    this.#keptMs = keptMs;
    this.#hasProc = (pathsOfOpenFiles ?? (process.platform === 'linux' ? 'proc' : 'compared')) === 'proc';
    this.#clock = clock;
    this.#memory = memory;
    // No path holds a NUL.
    this.#memoryPrefix = `${followsLinks ? 'everywhere' : 'inside'}\0${path}\0`;
  }

  /** `path` is one that `toFilePath` has let pass, without a slash at its end. Nothing stays open unless it is returned. */
  open(path: string): Opening | Promise<Opening> {
    if (this.#keptMs === 0) return this.#look(path);
    const name = this.#memoryPrefix + path;
    const seen = this.#memory.find(name, { nowMs: this.#clock.monotonicMs(), keptMs: this.#keptMs });
    return seen ?? this.#lookAndKeep(path, name);
  }

  async #lookAndKeep(path: string, name: string): Promise<Opening> {
    const opening = await this.#look(path);
    const isKept = isOpened(opening) ? opening.content !== undefined : LASTING.has(opening.reason);
    if (isKept) this.#memory.keep(name, opening, this.#clock.monotonicMs());
    else this.#memory.forget(name);
    return opening;
  }

  async #look(path: string): Promise<Opening> {
    let fd: number;
    try {
      fd = await openFile(`${this.path}/${path}`, OPEN_FLAGS);
    } catch (error) {
      return toNoFile(error);
    }
    let opening: Opening = { reason: 'failed' };
    try {
      opening = await this.#inspect(fd, path);
      if (isOpened(opening) && opening.sizeBytes <= limits.fileReadBytes) opening = await readWhole(opening);
    } catch (error) {
      opening = toNoFile(error);
    } finally {
      if (!isOpened(opening) || opening.content !== undefined) close(fd, noteNothing);
    }
    return opening;
  }

  async #inspect(fd: number, path: string): Promise<Opening> {
    const stats = await statFile(fd);
    if (!this.#followsLinks && !(await this.#isInside(fd, path, stats))) return { reason: 'outside' };
    if (stats.isDirectory()) return { reason: 'directory' };
    if (!stats.isFile()) return { reason: 'irregular' };
    return { content: undefined, fd, path, sizeBytes: stats.size, modifiedMs: stats.mtimeMs };
  }

  async #isInside(fd: number, path: string, stats: Stats): Promise<boolean> {
    const found = await this.#findPath(fd, path, stats);
    if (found === undefined) return false;
    if (this.#realPath !== undefined && isBelow(found, this.#realPath, path)) return true;
    // The folder may be a link that has come to lead elsewhere, as at a new release.
    this.#realPath = await findRealPath(this.path);
    return isBelow(found, this.#realPath, path);
  }

  /** The path of what is open, all links followed; `undefined`: it cannot be told. */
  async #findPath(fd: number, path: string, stats: Stats): Promise<string | undefined> {
    if (this.#hasProc) return readLink(`/proc/self/fd/${fd}`);
    const found = await findRealPath(`${this.path}/${path}`);
    // The path may have come to mean something else since the file was opened.
    const { dev, ino } = await statPath(found);
    return dev === stats.dev && ino === stats.ino ? found : undefined;
  }
}

/** Looked at again behind the last byte: what was written to meanwhile is neither the old nor the new. */
async function readWhole(file: OpenedFile): Promise<Opening> {
  const { fd, path, sizeBytes, modifiedMs } = file;
  const content = Buffer.allocUnsafeSlow(sizeBytes);
  for (let position = 0; position < sizeBytes; ) {
    const { bytesRead } = await readFile(fd, content, position, sizeBytes - position, position);
    if (bytesRead === 0) return { reason: 'changed' };
    position += bytesRead;
  }
  if (!(await isUnchanged(file))) return { reason: 'changed' };
  return { content, fd: NOTHING_OPEN, path, sizeBytes, modifiedMs };
}

/**
 * Whether a path is in the folder, and is not the asked one in another spelling: where the system takes capitals and small letters for the
 * same, `/ADMIN/x` would be a way around a route for `/admin/*`.
 */
export function isBelow(found: string, folder: string, asked: string): boolean {
  const prefix = folder.endsWith('/') ? folder : `${folder}/`;
  if (found !== folder && !found.startsWith(prefix)) return false;
  const inside = found.slice(prefix.length);
  return inside === asked || inside.toLowerCase() !== asked.toLowerCase();
}

function toNoFile(error: unknown): NoFile {
  const systemCode = (error as NodeJS.ErrnoException).code;
  if (MISSING.has(systemCode)) return { reason: 'missing', systemCode };
  if (FORBIDDEN.has(systemCode)) return { reason: 'forbidden', systemCode };
  return { reason: EXHAUSTED.has(systemCode) ? 'exhausted' : 'failed', systemCode };
}

function noteNothing(): void {
  // It was open for reading: nothing can be lost by closing it.
}
