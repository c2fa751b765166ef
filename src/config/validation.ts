/** Checks a document against the schema and its own references, and gives every mistake its place. */
import type { z } from 'zod';
import { runAtOnce } from '#base/slices.ts';
import { type CompiledRoutes, compileRoutes } from '#routing/route-compiler.ts';
import { explainIssue } from '#schema/explain.ts';
import { formProblemCodes } from '#schema/forms.ts';
import { quote } from '#schema/quote.ts';
import { findAdminWarnings } from './admin-warnings.ts';
import type { Configuration } from './configuration.ts';
import { findCrossReferenceProblems } from './cross-references.ts';
import type { Finding, IssueCode, IssuePath } from './issue.ts';
import type { KnownRoutes } from './known-routes.ts';
import { explainMisplacedKey } from './misplaced-keys.ts';
import { findUnreachedPaths } from './policies/own-paths.ts';
import type { ConfigurablePolicy } from './policies/policy-blocks.ts';
import { findQuotaWarnings } from './policies/quota-warnings.ts';
import type { ResolvedText } from './references.ts';
import { listRouteDefinitions } from './route-definitions.ts';
import { findRouteTies } from './route-ties.ts';
import { findTimeoutWarnings } from './timeout-warnings.ts';

/** Shorter texts are hidden only where they stand in quotes. */
const HIDDEN_LENGTH_MIN = 4;

export type ConfigurationSchema = z.ZodType<Configuration>;

type Parsed = z.ZodSafeParseResult<Configuration>;
type TextByPath = ReadonlyMap<string, ResolvedText>;

export interface Validation {
  /** Only when no finding is an error. */
  readonly configuration: Configuration | undefined;
  /** Made to look for ties; only with a configuration. */
  readonly compiledRoutes: CompiledRoutes | undefined;
  readonly findings: readonly Finding[];
}

/** Validates a value that was made anew when its references were resolved; `texts` are those that held some. */
export function validate(
  schema: ConfigurationSchema,
  value: unknown,
  {
    texts,
    policies,
    knownRoutes,
  }: {
    readonly texts: readonly ResolvedText[];
    readonly policies: readonly ConfigurablePolicy[];
    readonly knownRoutes?: KnownRoutes | undefined;
  },
): Validation {
  if (value === null || value === undefined) {
    return refuse({
      path: [],
      code: 'missing',
      message: 'the configuration is empty; run `gatehouse init` for one to begin with',
    });
  }
  const textByPath: TextByPath = new Map(texts.map((text) => [toPathKey(text.path), text]));
  const parse = (): Parsed =>
    knownRoutes === undefined ? schema.safeParse(value, { error: explainIssue }) : knownRoutes.parse(schema, value);
  const result = parseTyped(parse, value, textByPath);
  const found = result.success ? [] : withoutConsequences(result.error.issues.flatMap((issue) => toFindings(issue, [])));
  const findings = [...found, ...findCrossReferenceProblems(value, policies)].map((finding) =>
    hideResolvedText(explainMisplacedKey(finding, policies), textByPath.get(toPathKey(finding.path))),
  );
  if (!result.success || findings.length > 0) return { configuration: undefined, compiledRoutes: undefined, findings };
  // Only asked of a configuration that is right in itself: routes with mistakes would tie for the wrong reasons.
  const compiledRoutes = runAtOnce(compileRoutes(listRouteDefinitions(result.data)));
  const ties = findRouteTies(compiledRoutes);
  const warnings = [
    ...findTimeoutWarnings(value),
    ...findQuotaWarnings(value),
    ...findUnreachedPaths(result.data, policies),
    ...findAdminWarnings(result.data),
  ];
  if (ties.length > 0) return { configuration: undefined, compiledRoutes: undefined, findings: [...ties, ...warnings] };
  return { configuration: result.data, compiledRoutes, findings: warnings };
}

/** A value by itself, without references and without other parts that it must agree with. */
export function readBySchema<Value>(
  schema: z.ZodType<Value>,
  value: unknown,
): { readonly value: Value | undefined; readonly findings: readonly Finding[] } {
  const result = schema.safeParse(value, { error: explainIssue });
  if (result.success) return { value: result.data, findings: [] };
  return { value: undefined, findings: withoutConsequences(result.error.issues.flatMap((issue) => toFindings(issue, []))) };
}

/** A map with a mistyped key often lacks what that key should have been: saying so as well would say nothing new. */
function withoutConsequences(findings: readonly Finding[]): readonly Finding[] {
  const mistyped = new Set(findings.filter(({ code }) => code === 'unknown-key').map(({ path }) => toPathKey(path.slice(0, -1))));
  return findings.filter(({ code, path }) => code !== 'invalid-value' || !mistyped.has(toPathKey(path)));
}

function refuse(finding: Finding): Validation {
  return { configuration: undefined, compiledRoutes: undefined, findings: [finding] };
}

/**
 * A reference always gives text. Where the schema wants a number or a boolean in the place of a text that was nothing but
 * a reference, the text is read as one.
 */
function parseTyped(parse: () => Parsed, value: unknown, textByPath: TextByPath): Parsed {
  const result = parse();
  if (result.success || textByPath.size === 0) return result;
  let isRetyped = false;
  for (const issue of result.error.issues) {
    if (issue.code !== 'invalid_type') continue;
    const text = textByPath.get(toPathKey(issue.path));
    const scalar = text !== undefined && /^\$\{[^}]*\}$/.test(text.written) ? toScalar(text.resolved, issue.expected) : undefined;
    if (scalar === undefined) continue;
    // The value is our own: it was made anew when its references were resolved.
    replaceAt(value, issue.path, scalar);
    isRetyped = true;
  }
  return isRetyped ? parse() : result;
}

function toScalar(text: string, expected: string): number | boolean | undefined {
  if (expected === 'boolean') return text === 'true' ? true : text === 'false' ? false : undefined;
  if (expected !== 'number' && expected !== 'int') return undefined;
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined;
}

/** Puts a value in the place that a path leads to. */
function replaceAt(value: unknown, path: readonly PropertyKey[], replacement: unknown): void {
  const last = path.at(-1);
  let holder = value;
  for (const step of path.slice(0, -1)) holder = readAt(holder, step);
  if (last !== undefined && typeof holder === 'object' && holder !== null) Reflect.set(holder, last, replacement);
}

function readAt(value: unknown, step: PropertyKey): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined;
}

function toFindings(issue: z.core.$ZodIssue, prefix: IssuePath): Finding[] {
  const path = [...prefix, ...toIssuePath(issue.path)];
  if (issue.code === 'unrecognized_keys') {
    const messages = issue.message.split('\n');
    return issue.keys.map((key, index) => ({
      path: [...path, key],
      code: 'unknown-key',
      message: messages[index] ?? issue.message,
      pointAt: 'key',
    }));
  }
  if (issue.code === 'invalid_union') return toUnionFindings(issue, path);
  if (issue.code === 'custom' && issue.params !== undefined) return [toFormFinding(issue, path)];
  return [{ path, code: toCode(issue), message: issue.message, pointAt: issue.code === 'invalid_key' ? 'key' : 'value' }];
}

/** Schemas with forms say themselves what kind of mistake it is. */
function toFormFinding({ message, params }: z.core.$ZodIssueCustom, path: IssuePath): Finding {
  const code = formProblemCodes.find((known) => known === params?.['code']) ?? 'invalid-value';
  return { path, code, message, pointAt: params?.['pointAt'] === 'key' ? 'key' : 'value' };
}

/** Of a plain union, only the alternative that comes nearest is worth reading about: the one that fails deepest inside. */
function toUnionFindings(issue: z.core.$ZodIssueInvalidUnion, path: IssuePath): Finding[] {
  const depthOf = (issues: readonly z.core.$ZodIssue[]): number => Math.max(0, ...issues.map((inner) => inner.path.length));
  const alternatives = issue.errors
    .filter((issues) => issues.length > 0)
    .toSorted((left, right) => depthOf(right) - depthOf(left) || left.length - right.length);
  const [nearest, next] = alternatives;
  if (nearest === undefined) return [{ path, code: 'invalid-value', message: issue.message }];
  const isClear = next === undefined || depthOf(nearest) > 0 || nearest.some((inner) => inner.code !== 'invalid_type');
  if (isClear) return nearest.flatMap((inner) => toFindings(inner, path));
  const messages = alternatives.flatMap((issues) => issues.map(({ message }) => message));
  return [{ path, code: 'wrong-type', message: [...new Set(messages)].join('; or ') }];
}

function toCode(issue: z.core.$ZodIssue): IssueCode {
  if (/^`[^`]*` is missing/.test(issue.message)) return 'missing';
  return issue.code === 'invalid_type' ? 'wrong-type' : 'invalid-value';
}

function toIssuePath(path: readonly PropertyKey[]): (string | number)[] {
  return path.map((step) => (typeof step === 'symbol' ? String(step) : step));
}

/** What a reference stood for may be a secret, so a message shows what the user wrote instead. */
function hideResolvedText(finding: Finding, text: ResolvedText | undefined): Finding {
  if (text === undefined || text.resolved === '') return finding;
  const quoted = finding.message.replaceAll(quote(text.resolved), quote(text.written));
  // A message may also suggest something made of the text. A very short one would be found inside other words.
  const message = text.resolved.length < HIDDEN_LENGTH_MIN ? quoted : quoted.replaceAll(text.resolved, text.written);
  return { ...finding, message };
}

function toPathKey(path: readonly PropertyKey[]): string {
  return JSON.stringify(path);
}
