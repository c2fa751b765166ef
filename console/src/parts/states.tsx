/** What a page shows while it has nothing to show: it loads, it is empty, it failed. */
import type { ReactNode } from 'react';
import type { Resource } from '../api/use-resource.ts';

export function Loading({ rows = 6 }: { readonly rows?: number }) {
  return (
    <div className="loading" role="status">
      <span className="unseen">Loading</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all the same
        <i key={row} aria-hidden="true" />
      ))}
    </div>
  );
}

export function Empty({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <div className="empty">
      <p className="empty-title">{title}</p>
      {children !== undefined && <div className="empty-text">{children}</div>}
    </div>
  );
}

interface FailureProps {
  readonly message: string;
  readonly code?: string;
  onRetry?(): void;
}

export function Failure({ message, code, onRetry }: FailureProps) {
  return (
    <div className="notice notice-bad" role="alert">
      <span>
        {message} {code !== undefined && code !== '' && <code>{code}</code>}
      </span>
      {onRetry !== undefined && (
        <button type="button" className="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

interface ShownProps<Answer> {
  readonly resource: Resource<Answer>;
  readonly rows?: number;
  children(data: Answer): ReactNode;
}

/** The data of a resource, or what there is instead. What could be loaded once stays, with a word about its age. */
export function Shown<Answer>({ resource, rows, children }: ShownProps<Answer>) {
  const { data, problem, reload } = resource;
  if (data === undefined && problem === undefined) return <Loading {...(rows !== undefined && { rows })} />;
  return (
    <>
      {problem !== undefined && (
        <Failure
          message={data === undefined ? problem.message : `What is shown may be old. ${problem.message}`}
          code={problem.code}
          onRetry={reload}
        />
      )}
      {data !== undefined && children(data)}
    </>
  );
}
