/** Configurations that are programs: a module whose default export is the configuration. */
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createValueDocument, type SourceDocument } from './document.ts';
import { ProgramModules } from './program-modules.ts';

const PROGRAM = /\.[cm]?[jt]s$/;

/** Whether a file is run rather than parsed. */
export function isProgramFile(file: string): boolean {
  return PROGRAM.test(file);
}

/** What a program says, and the files of the modules that it imports. */
export interface ProgramReading {
  readonly document: SourceDocument;
  readonly files: readonly string[];
}

/**
 * Runs the module and takes its default export. Each call runs it anew, with the modules that it imports from beside itself, so that
 * a reload sees what has changed; packages and modules of CommonJS are kept by the runtime until the process ends.
 */
export async function readProgramFile(path: string, shownAs: string): Promise<ProgramReading> {
  const modules = new ProgramModules();
  const document = await runProgram(path, shownAs, modules);
  return { document, files: modules.files };
}

async function runProgram(path: string, shownAs: string, modules: ProgramModules): Promise<SourceDocument> {
  const url = pathToFileURL(path).href;
  try {
    const module = (await modules.import(url)) as { readonly default?: unknown };
    if (module.default !== undefined) return createValueDocument(shownAs, module.default);
    return refuse(shownAs, 'the file has no default export; write `export default defineGateway({ … })`', undefined);
  } catch (error) {
    const reason = modules.clean(error instanceof Error ? error.message : String(error)).split('\n')[0];
    const stack = modules.clean(error instanceof Error ? (error.stack ?? '') : '');
    // Of several in a row, the one that has asked the others.
    const failed = [path, ...modules.files].find((file) => findPlace(stack, file) !== undefined) ?? path;
    const shownFailed = failed === path ? shownAs : join(dirname(shownAs), relative(dirname(path), failed));
    return refuse(shownFailed, `the file cannot be run: ${reason?.replaceAll(url, shownAs)}`, findPlace(stack, failed));
  }
}

function refuse(file: string, message: string, place: { line: number; column: number | undefined } | undefined): SourceDocument {
  const { line, column } = place ?? { line: undefined, column: undefined };
  const issue = { path: [], code: 'syntax', severity: 'error', message, file, line, column } as const;
  return { ...createValueDocument(file, undefined), issues: [issue] };
}

/** Where in a file an error came up, when its stack says so. */
function findPlace(stack: string, file: string): { line: number; column: number | undefined } | undefined {
  const url = pathToFileURL(file).href;
  const at = stack.indexOf(`${url}:`);
  const match = at < 0 ? null : /^:(\d+)(?::(\d+))?/.exec(stack.slice(at + url.length));
  return match === null ? undefined : { line: Number(match[1]), column: match[2] === undefined ? undefined : Number(match[2]) };
}
