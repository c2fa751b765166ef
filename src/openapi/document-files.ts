/**
 * The files of one document: the one that is named, and those that it refers to. JSON and YAML. Where something stands in them
 * is looked up only when it is wrong.
 */
import { hash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { limits } from '#base/limits.ts';
import { readDocument } from '#config/document.ts';
import { formatIssue } from '#config/issue.ts';
import { explainReadError } from '#config/references.ts';
import { isMap, isText } from '#schema/forms.ts';

/** Steps from the root of a file to a value in it. */
export type Steps = readonly (string | number)[];

export interface Place {
  readonly file: string;
  readonly steps: Steps;
}

export interface Fault {
  readonly place: Place;
  readonly message: string;
}

export interface ReadFiles {
  /** Values by absolute path. */
  readonly values: ReadonlyMap<string, unknown>;
  readonly texts: ReadonlyMap<string, string>;
  /** Of files, readable or not. */
  readonly asked: readonly string[];
  /** Why files cannot be used, each with its place in front. */
  readonly problems: readonly string[];
  /** Differs when any of the texts does. */
  readonly digest: string;
}

/** Reads a file and, one after the other, all that is referred to. */
export async function readDocumentFiles(file: string): Promise<ReadFiles> {
  const values = new Map<string, unknown>();
  const texts = new Map<string, string>();
  const problems: string[] = [];
  const wanted = [file];
  let bytes = 0;
  // Grows while it is walked.
  for (const path of wanted) {
    const text = await readText(path, limits.contractBytesMax - bytes);
    if ('problem' in text) {
      problems.push(`${path}: ${text.problem}`);
      continue;
    }
    bytes += text.text.length;
    texts.set(path, text.text);
    const parsed = parse(path, text.text);
    if ('problems' in parsed) {
      problems.push(...parsed.problems);
      continue;
    }
    values.set(path, parsed.value);
    for (const other of listFiles(parsed.value, path)) {
      if (wanted.includes(other)) continue;
      if (wanted.length < limits.contractFilesMax) wanted.push(other);
      else problems.push(`${path}: refers to more than ${limits.contractFilesMax} files`);
    }
  }
  const digest = hash('sha256', JSON.stringify([...texts]));
  return { values, texts, asked: wanted, problems: [...new Set(problems)], digest };
}

async function readText(path: string, bytesMax: number): Promise<{ readonly text: string } | { readonly problem: string }> {
  try {
    const { size } = await stat(path);
    if (size > bytesMax)
      return { problem: `is too large: the files of a document have at most ${limits.contractBytesMax} bytes together` };
    return { text: await readFile(path, 'utf8') };
  } catch (error) {
    return { problem: `cannot be read: ${explainReadError(error)}` };
  }
}

function parse(path: string, text: string): { readonly value: unknown } | { readonly problems: readonly string[] } {
  if (path.endsWith('.json')) {
    try {
      return { value: JSON.parse(text) as unknown };
    } catch {
      // Read as YAML, it says where it goes wrong.
    }
  }
  const { value, issues } = readDocument(path, text);
  return issues.length === 0 ? { value } : { problems: issues.map(formatIssue) };
}

/** Files that a value refers to, wherever in it. What only looks like a reference is a file that is not there. */
function listFiles(value: unknown, from: string): Set<string> {
  const found = new Set<string>();
  const seen = new Set<unknown>();
  const waiting: unknown[] = [value];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next !== 'object' || next === null || seen.has(next)) continue;
    // Aliases of YAML lead to the same value from several places, and may lead in a circle.
    seen.add(next);
    if (isMap(next) && isText(next['$ref'])) {
      const path = toFile(next['$ref'], from);
      if (path !== undefined && path !== from) found.add(path);
    }
    for (const item of Object.values(next)) if (item !== undefined) waiting.push(item);
  }
  return found;
}

/** The file of a reference; `undefined`: it is on another server. */
export function toFile(reference: string, from: string): string | undefined {
  const hash = reference.indexOf('#');
  const path = hash < 0 ? reference : reference.slice(0, hash);
  if (path === '') return from;
  if (/^[a-z][a-z0-9+.-]*:/i.test(path)) return undefined;
  try {
    return resolve(dirname(from), decodeURIComponent(path));
  } catch {
    // A percent sign that encodes nothing.
    return resolve(dirname(from), path);
  }
}

/** Faults with file, line and pointer, as an operator reads them. */
export function formatFaults(faults: readonly Fault[], { texts }: Pick<ReadFiles, 'texts'>): string[] {
  const byFile = Map.groupBy(faults, ({ place }) => place.file);
  return [...byFile].flatMap(([file, ofFile]) => {
    const document = readDocument(file, texts.get(file) ?? '');
    return ofFile.map(({ place: { steps }, message }) => {
      const { line, column } = document.toIssue({ path: steps, code: 'invalid-value', message });
      return `${file}:${line ?? 1}:${column ?? 1}: ${toPointerText(steps)}: ${message}`;
    });
  });
}

function toPointerText(steps: Steps): string {
  return `#${steps.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')}`;
}
