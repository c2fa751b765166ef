/** What is wrong or doubtful in a configuration: one value, where it stands, and what would be right. */

export type IssueCode =
  | 'syntax'
  | 'duplicate-key'
  | 'unknown-key'
  | 'missing'
  | 'wrong-type'
  | 'invalid-value'
  | 'unresolved-reference'
  | 'unknown-name'
  | 'conflict'
  | 'unreadable-file';

/** An error refuses the configuration; with nothing but warnings it is taken. */
export type IssueSeverity = 'error' | 'warning';

export type IssuePath = readonly (string | number)[];

export interface Issue {
  /** Where in the document, from its root. Empty for the document itself. */
  readonly path: IssuePath;
  readonly code: IssueCode;
  readonly severity: IssueSeverity;
  /** What is wrong and what would be right, without the path. */
  readonly message: string;
  readonly file: string;
  /** From 1; `undefined` where there is no text to point at, as in a value that a program made. */
  readonly line: number | undefined;
  /** From 1, in UTF-16 units. */
  readonly column: number | undefined;
}

/** An issue before anybody has looked up where its path stands in the text. */
export interface Finding {
  readonly path: IssuePath;
  readonly code: IssueCode;
  /** An error, when nothing else is said. */
  readonly severity?: IssueSeverity;
  readonly message: string;
  /** What to point at: the key when the key itself is wrong, else its value. */
  readonly pointAt?: 'key' | 'value';
}

export function isError({ severity }: Issue): boolean {
  return severity === 'error';
}

/** `FILE:LINE:COLUMN path: message`, as compilers write it, so that editors find the place. */
export function formatIssue(issue: Issue): string {
  const place = issue.line === undefined ? issue.file : `${issue.file}:${issue.line}:${issue.column ?? 1}`;
  const warning = issue.severity === 'warning' ? 'warning: ' : '';
  return `${place} ${warning}${issue.path.length === 0 ? '' : `${formatPath(issue.path)}: `}${issue.message}`;
}

/** `listeners.web.trustedProxies[0]`. */
export function formatPath(path: IssuePath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** In the order of the text, so that a reader goes through the file once. */
export function sortIssues(issues: readonly Issue[]): Issue[] {
  return issues.toSorted((left, right) => (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0));
}
