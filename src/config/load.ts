/** From a file, a text or a value to a configuration, or to everything that is wrong with it. */
import { readFile as readFileFromDisk } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { CompiledRoutes } from '#routing/route-compiler.ts';
import type { Configuration } from './configuration.ts';
import { createConfigurationSchema } from './configuration-schema.ts';
import { createValueDocument, readDocument, type SourceDocument } from './document.ts';
import { resolveFilePaths } from './file-paths.ts';
import { type Finding, type Issue, isError, sortIssues } from './issue.ts';
import type { KnownRoutes } from './known-routes.ts';
import { findExpressionMistakes } from './policies/expression-mistakes.ts';
import { type ConfigurablePolicy, loadPolicyConfigs } from './policies/policy-blocks.ts';
import { type Environment, explainReadError, type ReadFile, resolveReferences } from './references.ts';
import { isProgramFile, readProgramFile } from './typescript-file.ts';
import { validate } from './validation.ts';

export interface LoadOptions {
  readonly policies: readonly ConfigurablePolicy[];
  /** What `${env:NAME}` sees. */
  readonly env: Environment;
  /** Reads the configuration and what `${file:PATH}` names. From disk, when it is not given. */
  readonly readFile?: ReadFile;
  /** How issues name the file. Its path as it was given, when nothing else is. */
  readonly shownAs?: string;
  /** Routes that were loaded before and need not be read again; those of this configuration are added. */
  readonly knownRoutes?: KnownRoutes;
}

/** Before its references were resolved. */
export interface WrittenConfiguration {
  /** `undefined` for a value that a program made. */
  readonly text: string | undefined;
  readonly value: unknown;
}

export interface LoadedConfiguration {
  readonly written: WrittenConfiguration;
  /** Only when no issue is an error. */
  readonly configuration: Configuration | undefined;
  /** Its routes in their order, as they are looked up in a table. */
  readonly compiledRoutes: CompiledRoutes | undefined;
  /** In the order of the text. */
  readonly issues: readonly Issue[];
  /** Absolute paths of all files that were asked for, the configuration itself first: when one changes, load again. */
  readonly files: readonly string[];
  /** Gives its place to what is found wrong later, such as a file that the configuration names. */
  toIssue(finding: Finding): Issue;
}

/** Loads a file. YAML and JSON are parsed; TypeScript and JavaScript are run. */
export async function loadConfiguration(file: string, options: LoadOptions): Promise<LoadedConfiguration> {
  const path = resolve(file);
  const shownAs = options.shownAs ?? file;
  const { document, files } = isProgramFile(path)
    ? await readProgramFile(path, shownAs)
    : { document: await readTextFile(path, shownAs, options), files: [] };
  const loaded = await loadDocument(document, dirname(path), options);
  return { ...loaded, files: [path, ...files, ...loaded.files] };
}

/** Loads a text that stands for the file at `file`, which need not exist. */
export async function loadConfigurationText(text: string, file: string, options: LoadOptions): Promise<LoadedConfiguration> {
  return loadDocument(readDocument(options.shownAs ?? file, text), dirname(resolve(file)), options);
}

/** Loads a value that a program made. Relative paths in it count from `folder`. */
export async function loadConfigurationValue(value: unknown, folder: string, options: LoadOptions): Promise<LoadedConfiguration> {
  return loadDocument(createValueDocument(options.shownAs ?? 'configuration', value), folder, options);
}

async function readTextFile(
  path: string,
  shownAs: string,
  { readFile = readTextFromDisk }: LoadOptions,
): Promise<SourceDocument> {
  try {
    return readDocument(shownAs, await readFile(path));
  } catch (error) {
    const message = `the file cannot be read: ${explainReadError(error)}`;
    const place = { file: shownAs, line: undefined, column: undefined };
    const issue: Issue = { path: [], code: 'unreadable-file', severity: 'error', message, ...place };
    return { ...createValueDocument(shownAs, undefined), issues: [issue] };
  }
}

const nothing = { configuration: undefined, compiledRoutes: undefined };

async function loadDocument(document: SourceDocument, folder: string, options: LoadOptions): Promise<LoadedConfiguration> {
  const written = { text: document.text, value: document.value };
  // Without a value there is nothing to look into: the syntax comes first.
  if (document.value === undefined && document.issues.length > 0)
    return { written, ...nothing, issues: sortIssues(document.issues), files: [], toIssue: document.toIssue };
  const { env, readFile = readTextFromDisk } = options;
  const resolved = await resolveReferences(document.value, { env, readFile, folder });
  const { policies, knownRoutes } = options;
  const schema = createConfigurationSchema(await loadPolicyConfigs(policies));
  const validation = validate(schema, resolved.value, { texts: resolved.texts, policies, knownRoutes });
  // Whatever an unresolved reference is used for is wrong as well, but that says nothing new.
  const unresolved = new Set(resolved.findings.map(({ path }) => JSON.stringify(path)));
  const found = [...validation.findings, ...(await findExpressionMistakes(resolved.value, policies))];
  const findings = [...resolved.findings, ...found.filter(({ path }) => !unresolved.has(JSON.stringify(path)))];
  const issues = sortIssues([...document.issues, ...findings.map((finding) => document.toIssue(finding))]);
  const { configuration, compiledRoutes } = validation;
  return {
    written,
    ...(configuration === undefined || issues.some(isError)
      ? nothing
      : { configuration: resolveFilePaths(configuration, folder, policies), compiledRoutes }),
    issues,
    files: resolved.files,
    toIssue: document.toIssue,
  };
}

function readTextFromDisk(path: string): Promise<string> {
  return readFileFromDisk(path, 'utf8');
}
