/** Reads files with addresses into memory that all threads share. Loaded by configurations that name some. */
import { hash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { writeAddressRanges } from '#base/address-ranges-writer.ts';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { runInSlices } from '#base/slices.ts';
import type { Finding } from '#config/issue.ts';
import { type AddressListReading, readAddressList } from '#config/policies/address-list.ts';
import type { AddressListFile } from '#config/policies/address-list-files.ts';
import { explainReadError } from '#config/references.ts';

export interface AddressListsReading {
  readonly lists: Readonly<Record<string, SharedArrayBuffer>>;
  /** About files that cannot be used and have not been before. */
  readonly findings: readonly Finding[];
}

interface KeptList {
  /** Of the text that the image was made of. */
  readonly digest: string;
  readonly image: SharedArrayBuffer;
}

/** A file that cannot be used as a whole. */
interface UnusableFile {
  readonly code: 'unreadable-file' | 'invalid-value';
  readonly problem: string;
}

/** A file some of whose lines are wrong. */
type WrongLines = Pick<AddressListReading, 'mistakes' | 'mistakeCount'>;
type Fault = UnusableFile | WrongLines;

/**
 * Keeps what it has read: a file that is the same costs its reading only, and in the place of one that has become unusable
 * stays what it said before, so that a broken feed holds up neither traffic nor other changes.
 */
export class AddressListReader {
  readonly #clock: Clock;
  readonly #logger: Logger;
  #kept: ReadonlyMap<string, KeptList> = new Map();

  constructor({ clock, logger }: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = clock;
    this.#logger = logger;
  }

  async read(files: readonly AddressListFile[]): Promise<AddressListsReading> {
    const kept = new Map<string, KeptList>();
    const findings: Finding[] = [];
    for (const [path, places] of Map.groupBy(files, (file) => file.path)) {
      const before = this.#kept.get(path);
      const read = await this.#readOne(path, before);
      if ('image' in read) kept.set(path, read);
      else if (before === undefined) findings.push(...places.flatMap(({ at }) => toFindings(read, path, at)));
      else {
        kept.set(path, before);
        this.#tell(read, path);
      }
    }
    this.#kept = kept;
    return { lists: Object.fromEntries([...kept].map(([path, { image }]) => [path, image])), findings };
  }

  async #readOne(path: string, before: KeptList | undefined): Promise<KeptList | Fault> {
    let text: string;
    try {
      const { size } = await stat(path);
      if (size > limits.addressListBytesMax)
        return { code: 'invalid-value', problem: `it has ${size} bytes; at most ${limits.addressListBytesMax} are read` };
      text = await readFile(path, 'utf8');
    } catch (error) {
      return { code: 'unreadable-file', problem: `it cannot be read: ${explainReadError(error)}` };
    }
    const digest = hash('sha256', text);
    if (before?.digest === digest) return before;
    const { ranges, mistakes, mistakeCount } = await runInSlices(readAddressList(text), this.#clock);
    if (mistakeCount > 0) return { mistakes, mistakeCount };
    const writing = writeAddressRanges(ranges, (bytes) => new SharedArrayBuffer(bytes));
    return { digest, image: await runInSlices(writing, this.#clock) };
  }

  #tell(fault: Fault, file: string): void {
    const message = 'address list refused; the one before stays';
    if ('problem' in fault) return this.#logger.log('error', message, { file, issue: fault.problem });
    for (const { line, column, problem } of fault.mistakes)
      this.#logger.log('error', message, { file, line, column, issue: problem, mistakes: fault.mistakeCount });
  }
}

function toFindings(fault: Fault, path: string, at: Finding['path']): Finding[] {
  if ('problem' in fault) return [{ path: at, code: fault.code, message: `the list of addresses ${path}: ${fault.problem}` }];
  const { mistakes, mistakeCount } = fault;
  const more = mistakeCount - mistakes.length;
  return mistakes.map(({ line, column, problem }, i) => {
    const others = i === mistakes.length - 1 && more > 0 ? `; ${more} more lines are wrong` : '';
    return { path: at, code: 'invalid-value', message: `${path}:${line}:${column}: ${problem}${others}` };
  });
}
