/** The settings of a folder whose files are served, as they come out of a configuration. */

export const codings = ['br', 'zstd', 'gzip'] as const;
export type Coding = (typeof codings)[number];

export interface FilesDefinition {
  /** An absolute path. */
  readonly folder: string;
  /** The name of the file that stands for its folder; `undefined`: nothing does. */
  readonly index: string | undefined;
  readonly allowsDotfiles: boolean;
  /** May links lead out of the folder? */
  readonly followsLinks: boolean;
  /** How long what was seen of a file counts as what is there. */
  readonly keptMs: number;
  /** Codings in which files may lie beside the plain ones, those that are liked better first. */
  readonly precompressed: readonly Coding[];
  /** Values of `content-type` by the ending of the name, beside those that are known. */
  readonly types: Readonly<Record<string, string>>;
  /** Of texts; `undefined`: nothing is said of it. */
  readonly charset: string | undefined;
  /** The first whose pattern fits decides. */
  readonly cacheControl: readonly { readonly files: string; readonly value: string }[];
  /** The file that pages get that are not there. */
  readonly fallback: string | undefined;
  /** The file that tells of what is not there. */
  readonly notFound: string | undefined;
}
