/** The patterns of paths that a route can ask for. */
import type { z } from 'zod';
import { limits } from '#base/limits.ts';
import { quote } from './quote.ts';
import { type Reading, textKind } from './text-kind.ts';

export type PathSegment = { readonly literal: string } | { readonly capture: string };

export interface PathPattern {
  readonly source: string;
  /** `/` has none. Literals are in the form that a normalised request path has. */
  readonly segments: readonly PathSegment[];
  /** Ends with `/*`: matches the path itself and everything below it, by whole segments. */
  readonly isPrefix: boolean;
}

export const CAPTURE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
/** A segment that is in the form already, as most are. */
const IN_FORM = /^[\w~-][\w.~-]*$/;
const HEX_OF_UNRESERVED = /%(?:2[DdEe]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])/g;

/**
 * Reads `/orders` (exact), `/orders/*` (that path and everything below it), `/orders/:id` (captures one segment) and
 * combinations such as `/orders/:id/items/*`.
 */
export function parsePathPattern(text: string): Reading<PathPattern> {
  const problem = findOutlineProblem(text);
  if (problem !== undefined) return { problem };
  const written = text === '/' ? [] : text.slice(1).split('/');
  const isPrefix = written.at(-1) === '*';
  if (isPrefix) written.pop();
  if (written.length > limits.pathSegmentsMax)
    return { problem: `the path has ${written.length} segments; at most ${limits.pathSegmentsMax}` };
  const segments: PathSegment[] = [];
  for (const segment of written) {
    const reading = readSegment(text, segment);
    if ('problem' in reading) return reading;
    segments.push(reading.value);
  }
  const repeated = findRepeated(listCaptureNames(segments));
  if (repeated !== undefined)
    return { problem: `${quote(text)} captures \`:${repeated}\` twice; give each capture its own name` };
  return { value: { source: text, segments, isPrefix } };
}

/** The names that a pattern captures, in their order. */
export function listCaptureNames(segments: readonly PathSegment[]): string[] {
  return segments.flatMap((segment) => ('capture' in segment ? [segment.capture] : []));
}

/** Reads a literal path such as `/api/v2`: no captures, no `*`, no slash at its end. `/` alone is the root. */
export function readPathPrefix(text: string): Reading<string> {
  if (text.length > 1 && text.endsWith('/'))
    return { problem: `${quote(text)} ends with \`/\`; write ${quote(text.slice(0, -1))}` };
  const reading = parsePathPattern(text);
  if ('problem' in reading) return reading;
  if (reading.value.isPrefix) return { problem: `${quote(text)}: leave out \`/*\`; everything below the path is meant anyway` };
  const literals: string[] = [];
  for (const segment of reading.value.segments) {
    if ('capture' in segment)
      return { problem: `${quote(text)}: a capture such as \`:${segment.capture}\` is not possible here; write a literal path` };
    literals.push(segment.literal);
  }
  return { value: `/${literals.join('/')}` };
}

/** What is wrong with the path as a whole. */
function findOutlineProblem(text: string): string | undefined {
  if (text === '') return 'the path is empty; write `/` for the root or `/*` for everything';
  if (!text.startsWith('/')) return `${quote(text)} must begin with \`/\`; write ${quote(`/${text}`)}`;
  if (text.includes('?')) return `${quote(text)}: a path has no query; use \`query\` beside \`path\``;
  if (text.includes('#')) return `${quote(text)}: a path has no fragment; clients never send it`;
  if (text.includes('\\')) return `${quote(text)}: a path has no backslash; write \`/\``;
  if (text.includes('//')) return `${quote(text)} has an empty segment; write one \`/\``;
  if (text.length > 1 && text.endsWith('/')) {
    const bare = text.slice(0, -1);
    return `${quote(text)} ends with \`/\`; write ${quote(bare)} for that path alone, or ${quote(`${text}*`)} for everything below it too`;
  }
  return undefined;
}

function readSegment(text: string, segment: string): Reading<PathSegment> {
  if (segment.startsWith(':')) {
    const capture = segment.slice(1);
    if (CAPTURE_NAME.test(capture)) return { value: { capture } };
    return {
      problem: `${quote(text)}: ${quote(segment)} is not a capture; write a name of letters, digits and \`_\`, such as \`:id\``,
    };
  }
  const braced = /^\{(\w+)\}$/.exec(segment);
  if (braced !== null) return { problem: `${quote(text)}: write \`:${braced[1]}\` to capture a segment, not ${quote(segment)}` };
  if (segment.includes('*'))
    return { problem: `${quote(text)}: \`*\` may only be the whole last segment; \`:name\` matches any one segment` };
  return normaliseLiteral(text, segment);
}

/**
 * RFC 3986 §6.2.2, as request paths are normalised too: unreserved characters are not encoded, and encodings have capital
 * digits. What no request line can hold as it is, such as a space or an umlaut, is encoded.
 */
function normaliseLiteral(text: string, segment: string): Reading<PathSegment> {
  if (IN_FORM.test(segment)) return { value: { literal: segment } };
  const stray = /%(?![0-9A-Fa-f]{2})/.exec(segment);
  if (stray !== null)
    return { problem: `${quote(text)}: \`%\` begins two hexadecimal digits; write \`%25\` for the character itself` };
  if (/[\x00-\x1f\x7f]/.test(segment) || !segment.isWellFormed()) return { problem: `${quote(text)} holds a control character` };
  const literal = segment
    .replace(HEX_OF_UNRESERVED, (encoded) => decodeURIComponent(encoded))
    .replace(/%[0-9a-f]{2}/gi, (encoded) => encoded.toUpperCase())
    .replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
  if (literal === '.' || literal === '..')
    return { problem: `${quote(text)}: ${quote(segment)} is resolved before a route is looked for; write the resolved path` };
  return { value: { literal } };
}

function findRepeated(names: readonly string[]): string | undefined {
  return names.find((name, index) => names.indexOf(name) !== index);
}

/** A path pattern. */
export function pathPattern(): z.ZodType<PathPattern, string> {
  return textKind({
    noun: 'a path',
    examples: ['/orders', '/orders/*', '/orders/:id'],
    pattern: /^\//,
    help: 'A path: `/orders` exactly, `/orders/*` with everything below it, `/orders/:id` with one captured segment.',
    read: parsePathPattern,
  });
}

/** A literal path that begins others. */
export function pathPrefix(): z.ZodType<string, string> {
  return textKind({
    noun: 'a path',
    examples: ['/api'],
    pattern: /^\//,
    help: 'A literal path without a slash at its end; whole segments are compared.',
    read: readPathPrefix,
  });
}
