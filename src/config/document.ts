/**
 * The text of a configuration as a plain value, and where in the text each part of it stands. YAML; JSON is read as the
 * YAML that it is.
 */
import type { Finding, Issue } from './issue.ts';
import { TextLines } from './text-lines.ts';
import { readYaml } from './yaml.ts';
import type { DuplicateKey } from './yaml-values.ts';

/** A configuration before it is checked: where it came from, what it says, and how to point into it. */
export interface SourceDocument {
  readonly file: string;
  /** As it was read; `undefined` for a value that a program made. */
  readonly text?: string | undefined;
  readonly value: unknown;
  readonly issues: readonly Issue[];
  /** Gives a finding its place. */
  toIssue(finding: Finding): Issue;
}

/** A value that a program made: there is no text to point at. */
export function createValueDocument(file: string, value: unknown): SourceDocument {
  const toIssue = ({ path, code, severity = 'error', message }: Finding): Issue => ({
    path,
    code,
    severity,
    message,
    file,
    line: undefined,
    column: undefined,
  });
  return { file, value, issues: [], toIssue };
}

/** Reads a document. Without a `value`, its issues say why. */
export function readDocument(file: string, text: string): SourceDocument {
  const lines = new TextLines(text);
  const toIssueAt = ({ path, code, severity = 'error', message }: Finding, offset: number): Issue => ({
    path,
    code,
    severity,
    message,
    file,
    ...lines.placeOf(offset),
  });
  const { value, problems, duplicates, findPlace } = readYaml(text);
  const issues = [
    ...problems.map(({ offset, message }) => toIssueAt({ path: [], code: 'syntax', message }, offset)),
    ...duplicates.map((duplicate) => toIssueAt(explainDuplicate(duplicate, lines), duplicate.offset)),
  ];
  return {
    file,
    text,
    value,
    issues,
    toIssue: (finding) => toIssueAt(finding, findPlace(finding.path, finding.pointAt ?? 'value')),
  };
}

function explainDuplicate({ path, firstOffset }: DuplicateKey, lines: TextLines): Finding {
  const { line } = lines.placeOf(firstOffset);
  return {
    path,
    code: 'duplicate-key',
    message: `the key \`${path.at(-1)}\` is here a second time; the first is in line ${line}`,
  };
}
