/**
 * Text with variables of the request in it: `/v2/orders/${path.id}?from=${host}`. `$${` is a literal `${`. What has a
 * colon, such as `${env:NAME}`, is a reference of the configuration: it is resolved before templates are read, so one that
 * is still there was escaped and is literal text.
 */
import type { z } from 'zod';
import { CAPTURE_NAME } from './path-pattern.ts';
import { describeValue, quote } from './quote.ts';
import { splitReferences } from './split-references.ts';
import { suggestWord } from './suggest.ts';
import { type Reading, textKind } from './text-kind.ts';
import { readCookieName, readFieldName } from './token.ts';

/** The variables that stand alone. */
const PLAIN_VARIABLES = ['path', 'query', 'host', 'authority', 'scheme', 'method', 'clientIp', 'requestId', 'consumer'] as const;
export type PlainVariable = (typeof PLAIN_VARIABLES)[number];

export type TemplateVariable =
  | { readonly kind: PlainVariable }
  /** `${path.NAME}`: a segment that the route's path captured. */
  | { readonly kind: 'capture'; readonly name: string }
  /** `${path.*}`: what the star at the end of the route's path stands for, without the slash before it. */
  | { readonly kind: 'rest' }
  /** `${query.NAME}`: the first value of a query parameter. */
  | { readonly kind: 'parameter'; readonly name: string }
  /** `${header.NAME}`: a field of the request, its name in lower case. */
  | { readonly kind: 'field'; readonly name: string }
  /** `${cookie.NAME}`: the first value of a cookie of the request. */
  | { readonly kind: 'cookie'; readonly name: string }
  /** `${claim.NAME}`: a claim of the token that was shown. */
  | { readonly kind: 'claim'; readonly name: string };

export interface Template {
  readonly source: string;
  /** Literal text and variables, in order; a text never follows a text. Empty for the empty text. */
  readonly parts: readonly (string | TemplateVariable)[];
}

const MARK = /\$\$\{|\$\{([^}]*)(\}?)/g;

/** Reads a template, or says which variable is wrong. */
export function parseTemplate(text: string): Reading<Template> {
  return splitReferences(text, { mark: MARK, isText: isOfConfiguration, read: readVariable });
}

/** Names of claims may have colons, as in `cognito:groups`. */
function isOfConfiguration(inside: string): boolean {
  return inside.includes(':') && !inside.startsWith('claim.');
}

/** Reads a JSON value with templates in its texts as one template of the JSON document; variables go inside quotes there. */
export function parseJsonTemplate(value: unknown): Reading<Template> {
  const parts: (string | TemplateVariable)[] = [];
  const problem = writeJson(value, parts);
  return problem === undefined ? { value: { source: JSON.stringify(value), parts: joinTexts(parts) } } : { problem };
}

/** Reads what stands between `${` and `}`. */
export function readVariable(inside: string): Reading<TemplateVariable> {
  const dot = inside.indexOf('.');
  if (dot < 0) {
    const kind = PLAIN_VARIABLES.find((name) => name === inside);
    return kind === undefined ? { problem: explainVariable(inside) } : { value: { kind } };
  }
  const group = inside.slice(0, dot);
  const name = inside.slice(dot + 1);
  if (inside === 'path.*') return { value: { kind: 'rest' } };
  if (inside === 'consumer.name') return { value: { kind: 'consumer' } };
  if (group === 'path') {
    if (CAPTURE_NAME.test(name)) return { value: { kind: 'capture', name } };
    return { problem: `${quote(name)} is not the name of a capture` };
  }
  if (group === 'claim' && name !== '') return { value: { kind: 'claim', name } };
  if (group === 'query' && name !== '') return { value: { kind: 'parameter', name } };
  if (group === 'cookie') {
    const cookie = readCookieName(name);
    return 'problem' in cookie ? cookie : { value: { kind: 'cookie', name } };
  }
  if (group === 'header') {
    const field = readFieldName(name);
    return 'problem' in field ? field : { value: { kind: 'field', name: field.value } };
  }
  return { problem: explainVariable(inside) };
}

function explainVariable(inside: string): string {
  const known = [...PLAIN_VARIABLES, 'path.NAME', 'path.*', 'query.NAME', 'header.NAME', 'cookie.NAME', 'claim.NAME'];
  const suggestion = suggestWord(inside, known);
  const ending =
    suggestion === undefined
      ? `known are ${known.map((name) => `\`\${${name}}\``).join(', ')}`
      : `did you mean \`\${${suggestion}}\`?`;
  return `unknown variable \`\${${inside}}\`; ${ending}`;
}

/** Appends the JSON text of a value; returns the problem of the first template that has one. */
function writeJson(value: unknown, parts: (string | TemplateVariable)[]): string | undefined {
  if (typeof value === 'string') return writeJsonText(value, parts);
  if (Array.isArray(value)) {
    return writeJsonItems(
      value.map((item) => ['', item]),
      { open: '[', close: ']' },
      parts,
    );
  }
  if (typeof value === 'object' && value !== null) {
    const items = Object.entries(value).map(([key, item]): [string, unknown] => [`${JSON.stringify(key)}:`, item]);
    return writeJsonItems(items, { open: '{', close: '}' }, parts);
  }
  const isScalar = value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
  if (!isScalar) return `${describeValue(value)} has no form in JSON`;
  parts.push(JSON.stringify(value));
  return undefined;
}

function writeJsonItems(
  items: readonly (readonly [string, unknown])[],
  brackets: { open: string; close: string },
  parts: (string | TemplateVariable)[],
): string | undefined {
  parts.push(brackets.open);
  for (const [index, [prefix, item]] of items.entries()) {
    parts.push(index === 0 ? prefix : `,${prefix}`);
    const problem = writeJson(item, parts);
    if (problem !== undefined) return problem;
  }
  parts.push(brackets.close);
  return undefined;
}

function writeJsonText(text: string, parts: (string | TemplateVariable)[]): string | undefined {
  const reading = parseTemplate(text);
  if ('problem' in reading) return reading.problem;
  parts.push('"');
  for (const part of reading.value.parts) parts.push(typeof part === 'string' ? JSON.stringify(part).slice(1, -1) : part);
  parts.push('"');
  return undefined;
}

function joinTexts(parts: readonly (string | TemplateVariable)[]): (string | TemplateVariable)[] {
  const joined: (string | TemplateVariable)[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (typeof part === 'string' && typeof last === 'string') joined[joined.length - 1] = last + part;
    else if (part !== '') joined.push(part);
  }
  return joined;
}

export interface TemplateRules {
  readonly help: string;
  readonly examples?: readonly [string, ...string[]];
  /** What must hold beyond the variables; says what is wrong. */
  readonly findProblem?: (text: string) => string | undefined;
}

/** A template. */
export function template(rules: TemplateRules): z.ZodType<Template, string> {
  return textKind({
    noun: 'text',
    examples: rules.examples ?? ['/orders/${path.id}'],
    help: rules.help,
    read(text): Reading<Template> {
      const problem = rules.findProblem?.(text);
      return problem === undefined ? parseTemplate(text) : { problem };
    },
  });
}

/** A template that becomes the value of a header field: one line (RFC 9110 §5.5). */
export function fieldValueTemplate(help: string): z.ZodType<Template, string> {
  return template({
    help,
    examples: ['max-age=60'],
    findProblem: (text) =>
      /[\x00-\x08\x0a-\x1f\x7f]/.test(text) ? 'the value of a header field is one line without control characters' : undefined,
  });
}

/** A template that becomes a path. */
export function pathTemplate(help: string): z.ZodType<Template, string> {
  return template({
    help,
    findProblem(text) {
      if (/[?#]/.test(text)) return `${quote(text)}: a path has no query or fragment; use \`query\` beside \`path\``;
      if (/^\$\{path\}/.test(text) || text.startsWith('/')) return undefined;
      return `${quote(text)} must begin with \`/\``;
    },
  });
}
