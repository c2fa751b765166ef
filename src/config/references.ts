/**
 * References in the texts of a configuration: `${env:NAME}`, `${env:NAME:-default}` and `${file:PATH}`. They are resolved
 * when the configuration is loaded, before it is checked. `$${env:NAME}` stays as it is, with one dollar less. What has no
 * colon, such as `${path.id}`, belongs to templates and is not touched.
 */
import { isAbsolute, resolve } from 'node:path';
import { quote } from '#schema/quote.ts';
import { suggestWord } from '#schema/suggest.ts';
import type { Finding, IssuePath } from './issue.ts';
import { setOwn } from './own-property.ts';

/** Deeper values are refused: only a cycle or a mistake is nested like this. */
const DEPTH_MAX = 64;
/** Of a path that is too deep, its beginning says enough. */
const SHOWN_STEPS_MAX = 4;
const KINDS = ['env', 'file'] as const;
const REFERENCE = /(\$?)\$\{([A-Za-z][A-Za-z0-9_-]*):([^}]*)(\}?)/g;
const ENVIRONMENT_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const DEFAULT_MARK = ':-';

export type Environment = Readonly<Record<string, string | undefined>>;
/** Reads a text file; throws what `node:fs` throws. */
export type ReadFile = (path: string) => Promise<string>;

export interface ReferenceSources {
  readonly env: Environment;
  readonly readFile: ReadFile;
  /** What paths are relative to: the folder of the configuration file. */
  readonly folder: string;
}

/** A text that held references. Messages show the text as it was written, because what it stands for may be a secret. */
export interface ResolvedText {
  readonly path: IssuePath;
  readonly written: string;
  readonly resolved: string;
}

export interface ResolvedValue {
  readonly value: unknown;
  readonly texts: readonly ResolvedText[];
  readonly findings: readonly Finding[];
  /** Files that were asked for, readable or not: when one changes, the configuration does. */
  readonly files: readonly string[];
}

/** Resolves all references of a value. The value itself is not changed. */
export async function resolveReferences(value: unknown, sources: ReferenceSources): Promise<ResolvedValue> {
  const resolver = new ReferenceResolver(sources);
  const resolved = await resolver.walk(value);
  return { value: resolved, texts: resolver.texts, findings: resolver.findings, files: [...resolver.contents.keys()] };
}

class ReferenceResolver {
  readonly texts: ResolvedText[] = [];
  readonly findings: Finding[] = [];
  readonly contents = new Map<string, Promise<string>>();
  readonly #sources: ReferenceSources;
  /** Of what is being walked through. Whoever waits has a copy. */
  readonly #path: (string | number)[] = [];

  constructor(sources: ReferenceSources) {
    this.#sources = sources;
  }

  /** Waits only where a text has a reference, so that a large configuration costs no promise per value. */
  walk(value: unknown): unknown {
    if (typeof value === 'string') return value.includes('${') ? this.#resolveText(value, [...this.#path]) : value;
    if (typeof value !== 'object' || value === null) return value;
    if (this.#path.length >= DEPTH_MAX) {
      this.findings.push({
        path: this.#path.slice(0, SHOWN_STEPS_MAX),
        code: 'invalid-value',
        message: `the value is nested more than ${DEPTH_MAX} levels deep`,
      });
      return null;
    }
    if (Array.isArray(value)) return this.#walkList(value);
    // Objects of classes are left for the schema to refuse.
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return value;
    const keys = Object.keys(value);
    if (keys.includes('__proto__')) {
      this.findings.push({
        path: [...this.#path, '__proto__'],
        code: 'invalid-value',
        message: '`__proto__` cannot be a name',
        pointAt: 'key',
      });
    }
    return this.#walkMap(value, keys);
  }

  #walkList(list: readonly unknown[]): unknown {
    return whenAll(
      list.map((item, index) => this.#walkPart(index, item)),
      (items) => items,
    );
  }

  #walkMap(map: object, keys: readonly string[]): unknown {
    const copy: Record<string, unknown> = {};
    const waiting: Promise<void>[] = [];
    for (const key of keys) {
      const resolved = this.#walkPart(key, Reflect.get(map, key));
      setOwn(copy, key, resolved);
      if (resolved instanceof Promise) waiting.push(resolved.then((value) => setOwn(copy, key, value)));
    }
    return waiting.length === 0 ? copy : Promise.all(waiting).then(() => copy);
  }

  #walkPart(step: string | number, value: unknown): unknown {
    this.#path.push(step);
    const resolved = this.walk(value);
    this.#path.pop();
    return resolved;
  }

  #resolveText(written: string, path: IssuePath): string | Promise<string> {
    const matches = [...written.matchAll(REFERENCE)];
    if (matches.length === 0) return written;
    const pieces = matches.map((match) => this.#resolveMatch(match, path));
    return whenAll(pieces, (values) => {
      let resolved = '';
      let end = 0;
      for (const [index, match] of matches.entries()) {
        resolved += written.slice(end, match.index) + values[index];
        end = match.index + match[0].length;
      }
      resolved += written.slice(end);
      this.texts.push({ path, written, resolved });
      return resolved;
    });
  }

  #resolveMatch(match: RegExpMatchArray, path: IssuePath): string | Promise<string> {
    const [whole, dollar, kind, argument, brace] = match;
    if (dollar === '$') return whole.slice(1);
    const fail = (message: string): string => {
      this.findings.push({ path, code: 'unresolved-reference', message });
      return whole;
    };
    if (brace === '') return fail(`${quote(whole)} has no closing \`}\``);
    if (kind === 'env') return this.#resolveEnvironment(argument!, fail);
    if (kind === 'file') return this.#resolveFile(argument!, fail);
    const suggestion = suggestWord(kind!, KINDS);
    const ending = suggestion === undefined ? '' : `did you mean \`${suggestion}\`? `;
    return fail(
      `unknown reference ${quote(whole)}; ${ending}write \`\${env:NAME}\` or \`\${file:PATH}\`, or \`$\${\` for the characters themselves`,
    );
  }

  /** As in a shell, a default also stands in for an empty variable. */
  #resolveEnvironment(argument: string, fail: (message: string) => string): string {
    const mark = argument.indexOf(DEFAULT_MARK);
    const name = mark < 0 ? argument : argument.slice(0, mark);
    if (!ENVIRONMENT_NAME.test(name))
      return fail(
        `${quote(name)} is not the name of an environment variable; write \`\${env:NAME}\` or \`\${env:NAME:-default}\``,
      );
    const value = Object.hasOwn(this.#sources.env, name) ? this.#sources.env[name] : undefined;
    if (mark >= 0) return value === undefined || value === '' ? argument.slice(mark + DEFAULT_MARK.length) : value;
    return (
      value ?? fail(`the environment variable \`${name}\` is not set; set it, or give a default: \`\${env:${name}:-default}\``)
    );
  }

  /** The line end that editors and `echo` put at the end of a file is not part of the value. */
  async #resolveFile(argument: string, fail: (message: string) => string): Promise<string> {
    if (argument === '') return fail('the path is missing; write `${file:PATH}`');
    const path = isAbsolute(argument) ? argument : resolve(this.#sources.folder, argument);
    let content = this.contents.get(path);
    if (content === undefined) {
      content = this.#sources.readFile(path);
      this.contents.set(path, content);
    }
    try {
      return (await content).replace(/\r?\n$/, '');
    } catch (error) {
      return fail(`the file ${quote(path)} cannot be read: ${explainReadError(error)}`);
    }
  }
}

/** Why a file could not be read, in words. */
export function explainReadError(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'permission denied';
  if (code === 'EISDIR') return 'it is a folder';
  return error instanceof Error ? error.message : String(error);
}

function whenAll<Value, Result>(
  values: readonly (Value | Promise<Value>)[],
  combine: (values: Value[]) => Result,
): Result | Promise<Result> {
  if (values.some((value) => value instanceof Promise)) return Promise.all(values).then(combine);
  return combine(values as Value[]);
}
