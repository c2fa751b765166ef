/** Finds the file that a request is answered with, and what its answer says of it. */
import type { GatewayError } from '#base/errors.ts';
import type { ClientRequest } from '#http/exchange.ts';
import { findMediaWeight, findWeight, readQualityList, type WeightedItem } from '#wire/fields/quality-list.ts';
import { ContentTypes } from './content-types.ts';
import { closeFile, FileFolder, type FolderMeans } from './file-folder.ts';
import { toFilePath } from './file-path.ts';
import { compileFilePattern } from './file-pattern.ts';
import type { Coding, FilesDefinition } from './files-definition.ts';
import { filesErrors } from './files-errors.ts';
import { isOpened, type NoFile, type OpenedFile } from './opening.ts';

/** Owned by whoever asked for it, who closes it. */
export interface FoundFile {
  readonly kind: 'file';
  readonly file: OpenedFile;
  /** 404 for the file that tells of what is not there. */
  readonly status: 200 | 404;
  readonly contentType: string;
  readonly coding: Coding | undefined;
  readonly cacheControl: string | undefined;
  /** Which fields of the request decided. */
  readonly vary: string | undefined;
}

export type Found =
  | FoundFile
  /** A folder is asked for as if it were a file; relative names in its index would lead astray. */
  | { readonly kind: 'redirect'; readonly location: string }
  | { readonly kind: 'error'; readonly error: GatewayError };

const HTML = 'text/html';
const endings: Readonly<Record<Coding, string>> = { br: '.br', zstd: '.zst', gzip: '.gz' };

export class ServedFiles {
  readonly #definition: FilesDefinition;
  readonly #folder: FileFolder;
  readonly #types: ContentTypes;
  readonly #cacheControl: readonly { readonly pattern: RegExp; readonly value: string }[];

  constructor(definition: FilesDefinition, means: FolderMeans) {
    this.#definition = definition;
    this.#folder = new FileFolder(definition.folder, definition, means);
    this.#types = new ContentTypes(definition.types, definition.charset);
    this.#cacheControl = definition.cacheControl.map(({ files, value }) => ({ pattern: compileFilePattern(files), value }));
  }

  /** `rest`: what is left of the path below the folder, still encoded. */
  async find(request: ClientRequest, rest: string): Promise<Found> {
    const { index } = this.#definition;
    const path = toFilePath(rest, this.#definition);
    if (path === undefined) return this.#findInstead(request, { reason: 'missing' });
    const isFolder = path === '' || path.endsWith('/');
    if (isFolder && !request.path.endsWith('/'))
      return index === undefined ? this.#findInstead(request, { reason: 'directory' }) : toRedirect(request);
    if (isFolder && index === undefined) return this.#findInstead(request, { reason: 'directory' });
    const opening = await this.#folder.open(isFolder ? path + index : path);
    if (isOpened(opening)) return this.#toFound(request, opening, { status: 200 });
    if (opening.reason === 'directory' && !isFolder && index !== undefined) return toRedirect(request);
    return this.#findInstead(request, opening);
  }

  /** The file that stands for one that is not there. Whoever may not read it, or cannot, is told so. */
  async #findInstead(request: ClientRequest, lack: NoFile): Promise<Found> {
    const error = toError(lack);
    const { fallback, notFound } = this.#definition;
    if (error.status !== 404) return { kind: 'error', error };
    const isPage = fallback !== undefined && asksForPage(request);
    const instead = isPage ? fallback : notFound;
    if (instead === undefined) return { kind: 'error', error };
    const opening = await this.#folder.open(instead);
    if (!isOpened(opening)) return { kind: 'error', error: toError(opening) };
    return this.#toFound(request, opening, { status: isPage ? 200 : 404, variesByAccept: fallback !== undefined });
  }

  async #toFound(
    request: ClientRequest,
    plain: OpenedFile,
    { status, variesByAccept = false }: { readonly status: 200 | 404; readonly variesByAccept?: boolean },
  ): Promise<FoundFile> {
    const { precompressed } = this.#definition;
    const { file, coding } = precompressed.length === 0 ? { file: plain } : await this.#findCoded(request, plain);
    const vary =
      precompressed.length === 0
        ? variesByAccept
          ? 'accept'
          : undefined
        : variesByAccept
          ? 'accept, accept-encoding'
          : 'accept-encoding';
    return {
      kind: 'file',
      file,
      status,
      contentType: this.#types.typeOf(plain.path),
      coding,
      cacheControl: this.#cacheControl.find(({ pattern }) => pattern.test(plain.path))?.value,
      vary,
    };
  }

  /** The file in the coding that the client likes best. One that is older than the plain file was made of something else. */
  async #findCoded(request: ClientRequest, plain: OpenedFile): Promise<{ file: OpenedFile; coding?: Coding }> {
    const accepted = readQualityList(request.fields, 'accept-encoding');
    if (accepted === undefined) return { file: plain };
    for (const coding of rankCodings(accepted, this.#definition.precompressed)) {
      const opening = await this.#folder.open(plain.path + endings[coding]);
      if (!isOpened(opening)) continue;
      if (opening.modifiedMs >= plain.modifiedMs) {
        closeFile(plain);
        return { file: opening, coding };
      }
      closeFile(opening);
    }
    return { file: plain };
  }
}

/**
 * Those that a client takes and likes at least as much as the plain form, best first; among equals in the order in which they are offered. The plain
 * form is always there, and never preferred unless the client says so.
 */
function rankCodings(accepted: readonly WeightedItem[], offered: readonly Coding[]): Coding[] {
  const plain = accepted.find(({ name }) => name === 'identity')?.weight ?? 0;
  const weightOf = (coding: Coding) => findWeight(accepted, coding) ?? 0;
  return offered
    .filter((coding) => weightOf(coding) > 0 && weightOf(coding) >= plain)
    .toSorted((one, other) => weightOf(other) - weightOf(one));
}

/** Relative, so that it holds behind whatever has taken a part of the path away; `./`, so that a colon makes no scheme of the name. */
function toRedirect({ path, query }: ClientRequest): Found {
  const name = path.slice(path.lastIndexOf('/') + 1);
  return { kind: 'redirect', location: `./${name}/${query === '' ? '' : `?${query}`}` };
}

/**
 * Whether a page is asked for, and not a script or an image, to which a page would be an answer that breaks later and elsewhere. Browsers name
 * HTML when they go to a page; who accepts anything asks for a page where the name has no ending.
 */
function asksForPage({ fields, path }: ClientRequest): boolean {
  const accepted = readQualityList(fields, 'accept');
  if (accepted?.some(({ name, weight }) => name === HTML && weight > 0)) return true;
  const takesHtml = accepted === undefined || findMediaWeight(accepted, HTML) > 0;
  return takesHtml && !path.includes('.', path.lastIndexOf('/'));
}

function toError({ reason, systemCode }: NoFile): GatewayError {
  switch (reason) {
    case 'forbidden':
      return filesErrors.forbidden({ reason: systemCode });
    case 'exhausted':
      return filesErrors.tooManyOpen({ reason: systemCode });
    case 'changed':
      return filesErrors.changed();
    case 'failed':
      return filesErrors.unreadable({ reason: systemCode });
    case 'missing':
    case 'directory':
    case 'outside':
    case 'irregular':
      return filesErrors.notFound({ reason: systemCode ?? reason });
    default:
      return reason satisfies never;
  }
}
