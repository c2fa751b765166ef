/**
 * A folder whose files are served. A file is opened first and looked at then, so that what was looked at is what is read: between a look at a
 * path and its opening, the path can come to mean something else.
 */
import { close, constants, fstat, open, readlink, realpath, type Stats, stat } from 'node:fs';
import { promisify } from 'node:util';

const openFile = promisify(open);
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

/** Closed by whoever has it. */
export interface OpenedFile {
  readonly fd: number;
  /** In the folder. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Why there is no file: `outside` and `irregular` are as good as missing to the client, but an operator may wonder. */
export interface NoFile {
  readonly reason: 'missing' | 'directory' | 'outside' | 'irregular' | 'forbidden' | 'exhausted' | 'failed';
  readonly systemCode?: string | undefined;
}

export type Opening = OpenedFile | NoFile;

export function isOpened(opening: Opening): opening is OpenedFile {
  return 'fd' in opening;
}

export function closeFile({ fd }: OpenedFile): void {
  close(fd, noteNothing);
}

export interface FolderRules {
  /** May links lead out of the folder? */
  readonly followsLinks: boolean;
  /** How the system tells which path an open file has. */
  readonly pathsOfOpenFiles?: 'proc' | 'compared';
}

export class FileFolder {
  readonly path: string;
  readonly #followsLinks: boolean;
  readonly #hasProc: boolean;
  /** Where the folder is, all links followed; found out again when a file does not seem to be in it. */
  #realPath: string | undefined = undefined;

  constructor(path: string, { followsLinks, pathsOfOpenFiles }: FolderRules) {
    this.path = path;
    this.#followsLinks = followsLinks;
    this.#hasProc = (pathsOfOpenFiles ?? (process.platform === 'linux' ? 'proc' : 'compared')) === 'proc';
  }

  /** `path` is one that `toFilePath` has let pass, without a slash at its end. Nothing stays open unless it is returned. */
  async open(path: string): Promise<Opening> {
    let fd: number;
    try {
      fd = await openFile(`${this.path}/${path}`, OPEN_FLAGS);
    } catch (error) {
      return toNoFile(error);
    }
    let opening: Opening = { reason: 'failed' };
    try {
      opening = await this.#inspect(fd, path);
    } catch (error) {
      opening = toNoFile(error);
    } finally {
      if (!isOpened(opening)) close(fd, noteNothing);
    }
    return opening;
  }

  async #inspect(fd: number, path: string): Promise<Opening> {
    const stats = await statFile(fd);
    if (!this.#followsLinks && !(await this.#isInside(fd, path, stats))) return { reason: 'outside' };
    if (stats.isDirectory()) return { reason: 'directory' };
    if (!stats.isFile()) return { reason: 'irregular' };
    return { fd, path, sizeBytes: stats.size, modifiedMs: stats.mtimeMs };
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
