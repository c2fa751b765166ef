/** House rule on errors: every code is declared once. */
import { toErrorCode } from '#base/errors.ts';
import { type Finding, isProgramPath, type RepositoryFile } from './repository.ts';
import { lineAt, scanSource } from './source-text.ts';

interface Declaration {
  readonly path: string;
  readonly line: number;
}

/** Areas are unique, and so are the codes that areas and names are joined to (`a-b` + `c` meets `a` + `bC`). */
export function uniqueErrorCodes(files: readonly RepositoryFile[]): Finding[] {
  const findings: Finding[] = [];
  const declared = new Map<string, Declaration>();
  const declare = (what: string, at: Declaration): void => {
    const first = declared.get(what);
    if (first === undefined) declared.set(what, at);
    else
      findings.push({ rule: 'unique-error-codes', ...at, message: `${what} is already declared at ${first.path}:${first.line}` });
  };
  for (const file of files) {
    if (!isProgramPath(file.path)) continue;
    for (const { area, names, line } of errorAreas(file)) {
      declare(`area '${area}'`, { path: file.path, line });
      for (const name of names) declare(toErrorCode(area, name), { path: file.path, line });
    }
  }
  return findings;
}

function errorAreas({ text }: RepositoryFile): { area: string; names: string[]; line: number }[] {
  const { code, strings } = scanSource(text);
  return [...code.matchAll(/\bdefineErrors\(\s*(?=['"])/g)].map((call) => {
    const start = call.index + call[0].length;
    const area = strings.find((string) => string.start === start);
    return { area: area?.text ?? '', names: keysOfObject(code, area?.end ?? start), line: lineAt(text, call.index) };
  });
}

/** The keys of the first object literal behind an offset, without those of the objects inside it. */
function keysOfObject(code: string, from: number): string[] {
  const keys: string[] = [];
  let depth = 0;
  for (const { 0: token, 1: key } of code.slice(from).matchAll(/[{}]|\b(\w+)\s*:/g)) {
    if (token === '{') depth += 1;
    else if (token === '}') depth -= 1;
    else if (depth === 1 && key !== undefined) keys.push(key);
    if (token === '}' && depth <= 0) break;
  }
  return keys;
}
