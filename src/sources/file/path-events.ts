/**
 * Hears from the system when something on the way to a file changes: the file itself, or a symbolic link that leads to it.
 * Events can be lost (network mounts) and can come without need, so they are only a hint to look sooner.
 */
import { type FSWatcher, watch } from 'node:fs';
import { lstat, readlink } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, parse, resolve, sep } from 'node:path';
import { limits } from '#base/limits.ts';

export class PathEvents {
  readonly #onEvent: () => void;
  /** By folder, with the names in it that matter. */
  #watched = new Map<string, { readonly names: Set<string>; readonly watcher: FSWatcher | undefined }>();
  #isStopped = false;

  constructor(onEvent: () => void) {
    this.#onEvent = onEvent;
  }

  /** Follows these files as they are reached now. Called again when that may have changed. */
  async follow(files: readonly string[]): Promise<void> {
    const namesByFolder = new Map<string, Set<string>>();
    for (const step of (await Promise.all(files.map(listSteps))).flat()) {
      const names = namesByFolder.get(dirname(step)) ?? new Set();
      namesByFolder.set(dirname(step), names.add(basename(step)));
    }
    if (this.#isStopped) return;
    const before = this.#watched;
    // All anew: a folder of the same name may be another one.
    this.#watched = new Map([...namesByFolder].map(([folder, names]) => [folder, { names, watcher: this.#watch(folder) }]));
    for (const { watcher } of before.values()) watcher?.close();
  }

  stop(): void {
    this.#isStopped = true;
    for (const { watcher } of this.#watched.values()) watcher?.close();
    this.#watched = new Map();
  }

  #watch(folder: string): FSWatcher | undefined {
    try {
      const watcher = watch(folder, { persistent: false }, (_, name) => {
        if (name === null || this.#watched.get(folder)?.names.has(name) === true) this.#onEvent();
      });
      // The folder is gone, say: whoever looks by the clock sees what has become of the file.
      watcher.on('error', () => watcher.close());
      return watcher;
    } catch {
      // No such folder, or no more watches to be had: then it is looked by the clock alone.
      return undefined;
    }
  }
}

/** The file, and each symbolic link on the way to it, as paths without links above their last part. */
async function listSteps(file: string): Promise<string[]> {
  const steps: string[] = [];
  let rest = partsOf(file);
  let reached = parse(resolve(file)).root;
  while (rest.length > 0 && steps.length < limits.pathLinksMax) {
    const path = join(reached, rest[0]!);
    const target = await readLink(path);
    rest = rest.slice(1);
    if (target === undefined) {
      reached = path;
      continue;
    }
    steps.push(path);
    const resolved = isAbsolute(target) ? target : join(reached, target);
    rest = [...partsOf(resolved), ...rest];
    reached = parse(resolved).root;
  }
  return [...steps, reached];
}

function partsOf(path: string): string[] {
  return resolve(path)
    .split(sep)
    .filter((part) => part !== '');
}

/** Where a symbolic link leads; `undefined` for anything else. */
async function readLink(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined;
  } catch {
    // Not there yet.
    return undefined;
  }
}
