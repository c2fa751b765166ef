/** References of mappings: `calls.user.body.items[0]["full name"]!`. */
import type { MappingReference, MappingRoot, MappingRoots } from './mapping-node.ts';
import { quote } from './quote.ts';
import { suggestWord } from './suggest.ts';
import { readVariable } from './template.ts';
import type { Reading } from './text-kind.ts';

export type MappingPath = readonly (string | number)[];

/** Names of the values that an `$each` around a reference gives. */
export type ItemNames = readonly string[];

const LISTED_ROOTS_MAX = 20;
const STEPS_MAX = 64;
const STEP = /\.([^.[\]!"]+)|\[(?:(\d+)|"((?:[^"\\]|\\.)*)")\]/y;
const FIRST = /^[^.[\]!"]+/;

const request: MappingRoot = { kind: 'request' };
const jsonRoot: MappingRoot = { kind: 'json' };
const textRoot: MappingRoot = { kind: 'text' };

/** What every mapping may refer to. */
export const requestRoots = {
  path: request,
  query: request,
  header: request,
  cookie: request,
  consumer: request,
  claim: request,
  host: request,
  authority: request,
  scheme: request,
  method: request,
  clientIp: request,
  requestId: request,
  body: jsonRoot,
} as const satisfies MappingRoots;

/** An answer with a JSON body. */
export const answerRoot: MappingRoot = {
  kind: 'members',
  members: { body: jsonRoot, status: textRoot, header: { kind: 'named', of: textRoot } },
};

/** What went wrong. */
export const errorRoot: MappingRoot = {
  kind: 'members',
  members: { status: textRoot, title: textRoot, detail: textRoot, code: textRoot },
};

export interface ReferenceContext {
  readonly roots: MappingRoots;
  readonly items: ItemNames;
  readonly at: MappingPath;
}

export function readReference(source: string, { roots, items, at }: ReferenceContext): Reading<MappingReference> {
  const first = FIRST.exec(source)?.[0] ?? '';
  const root = Object.hasOwn(roots, first) ? roots[first] : undefined;
  if (root?.kind === 'request' && !items.includes(first)) {
    const reading = readVariable(source);
    if ('problem' in reading) return reading;
    return { value: { shape: 'request', variable: reading.value, source, at, isRequired: false } };
  }
  const isRequired = source.endsWith('!');
  const steps = readSteps(isRequired ? source.slice(0, -1) : source, first.length);
  if (first === '' || steps === undefined)
    return {
      problem: `\`\${${source}}\` is no reference; write \`\${name.member}\`, \`\${name[0]}\` or \`\${name["a member"]}\``,
    };
  if (steps.length > STEPS_MAX) return { problem: `\`\${${quote(source)}}\` has more than ${STEPS_MAX} steps` };
  if (items.includes(first)) return { value: { shape: 'item', name: first, steps, source, at, isRequired } };
  if (root === undefined) return { problem: explainRoot(source, first, [...items, ...Object.keys(roots)]) };
  return followRoot(root, [first, ...steps], { source, at, isRequired });
}

function followRoot(
  from: MappingRoot,
  path: readonly string[],
  place: { readonly source: string; readonly at: MappingPath; readonly isRequired: boolean },
): Reading<MappingReference> {
  let root = from;
  let length = 1;
  while (root.kind === 'members' || root.kind === 'named') {
    const step = path[length];
    const before = path.slice(0, length).join('.');
    if (root.kind === 'named') {
      if (step === undefined) return { problem: `\`\${${place.source}}\` needs a name: \`\${${before}.NAME}\`` };
      root = root.of;
    } else {
      const names = Object.keys(root.members);
      const next = step === undefined ? undefined : root.members[step];
      if (next === undefined) return { problem: explainMember(place.source, { before, step, names }) };
      root = next;
    }
    length += 1;
  }
  const steps = path.slice(length);
  if (root.kind === 'json') return { value: { ...place, shape: 'json', root: path.slice(0, length), steps } };
  if (steps.length === 0) return { value: { ...place, shape: 'text', root: lowerFieldName(path) } };
  return { problem: `\`\${${place.source}}\`: ${quote(path.slice(0, length).join('.'))} is one value; nothing can follow it` };
}

/** Names of fields are compared in lower case. */
function lowerFieldName(path: readonly string[]): readonly string[] {
  return path.at(-2) === 'header' ? [...path.slice(0, -1), path.at(-1)!.toLowerCase()] : path;
}

function readSteps(text: string, from: number): string[] | undefined {
  const steps: string[] = [];
  STEP.lastIndex = from;
  while (STEP.lastIndex < text.length) {
    const match = STEP.exec(text);
    if (match === null) return undefined;
    const quoted = match[3];
    steps.push(quoted === undefined ? (match[1] ?? match[2] ?? '') : quoted.replace(/\\(.)/g, '$1'));
  }
  return steps;
}

function explainRoot(source: string, first: string, known: readonly string[]): string {
  const suggestion = suggestWord(first, known);
  const listed = known.slice(0, LISTED_ROOTS_MAX).map((name) => `\`${name}\``);
  const ending =
    suggestion === undefined
      ? `known are ${listed.join(', ')}`
      : `did you mean \`\${${suggestion}${source.slice(first.length)}}\`?`;
  return `unknown reference \`\${${source}}\`; ${ending}`;
}

function explainMember(
  source: string,
  { before, step, names }: { readonly before: string; readonly step: string | undefined; readonly names: readonly string[] },
): string {
  const suggestion = step === undefined ? undefined : suggestWord(step, names);
  const listed = names.map((name) => `\`\${${before}.${name}}\``).join(', ');
  const ending = suggestion === undefined ? `known are ${listed}` : `did you mean \`\${${before}.${suggestion}}\`?`;
  return `unknown reference \`\${${source}}\`; ${ending}`;
}
