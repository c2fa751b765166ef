/** Configurations that are programs: a module whose default export is the configuration. */
import { pathToFileURL } from 'node:url';
import { createValueDocument, type SourceDocument } from './document.ts';

const PROGRAM = /\.[cm]?[jt]s$/;

/** Whether a file is run rather than parsed. */
export function isProgramFile(file: string): boolean {
  return PROGRAM.test(file);
}

/**
 * Runs the module and takes its default export. Each call runs it anew, so that a reload sees what has changed; modules
 * that it imports are kept by the runtime until the process ends.
 */
export async function readProgramFile(path: string, shownAs: string): Promise<SourceDocument> {
  const url = `${pathToFileURL(path).href}?load=${crypto.randomUUID()}`;
  try {
    const module: { readonly default?: unknown } = await import(url);
    if (module.default !== undefined) return createValueDocument(shownAs, module.default);
    return refuse(shownAs, 'the file has no default export; write `export default defineGateway({ … })`', undefined);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return refuse(shownAs, `the file cannot be run: ${reason.split('\n')[0]?.replaceAll(url, shownAs)}`, findPlace(error, url));
  }
}

function refuse(file: string, message: string, place: { line: number; column: number | undefined } | undefined): SourceDocument {
  const { line, column } = place ?? { line: undefined, column: undefined };
  const issue = { path: [], code: 'syntax', severity: 'error', message, file, line, column } as const;
  return { ...createValueDocument(file, undefined), issues: [issue] };
}

/** Where in the file itself an error came up, when its stack says so. */
function findPlace(error: unknown, url: string): { line: number; column: number | undefined } | undefined {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  const at = stack.indexOf(`${url}:`);
  const match = at < 0 ? null : /^:(\d+)(?::(\d+))?/.exec(stack.slice(at + url.length));
  return match === null ? undefined : { line: Number(match[1]), column: match[2] === undefined ? undefined : Number(match[2]) };
}
