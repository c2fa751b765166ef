/** What becomes of a file that is asked for: it is there, or there is a reason why not. */

/** Closed by whoever has it. */
export interface OpenedFile {
  /** All of a short file, which nobody changes; then nothing is open. */
  readonly content: Buffer | undefined;
  readonly fd: number;
  /** In the folder. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

/** Why there is no file: `outside` and `irregular` are as good as missing to the client, but an operator may wonder. */
export interface NoFile {
  readonly reason: 'missing' | 'directory' | 'outside' | 'irregular' | 'forbidden' | 'exhausted' | 'failed' | 'changed';
  readonly systemCode?: string | undefined;
}

export type Opening = OpenedFile | NoFile;

export function isOpened(opening: Opening): opening is OpenedFile {
  return 'fd' in opening;
}
