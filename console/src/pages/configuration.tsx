/** The present configuration, those before it, and a place to try another. */
import { useState } from 'react';
import type { ConfigurationCheck, ConfigurationIssue, HistoryEntry, PresentConfiguration } from '../api/answers.ts';
import { ApiProblem, ask, part } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { formatAge, formatCount, formatDateTime, formatMs, formatNumberOf, formatPercent } from '../formats.ts';
import { CodeBlock } from '../parts/code-block.tsx';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { TextArea } from '../parts/fields.tsx';
import { Panel } from '../parts/panel.tsx';
import { ActionButton } from '../parts/permission.tsx';
import { Empty, Failure, Shown } from '../parts/states.tsx';
import { Badge } from '../parts/status-text.tsx';
import { toHash } from '../router.ts';

export function ConfigurationPage() {
  const present = useResource<PresentConfiguration>('/api/configuration', 5_000);
  const history = useResource<{ entries: readonly HistoryEntry[] }>('/api/history', 5_000);
  const reload = () => {
    present.reload();
    history.reload();
  };
  return (
    <>
      <Panel title="History" aside={history.data && formatNumberOf(history.data.entries.length, 'version')} isFlush>
        <Shown resource={history} rows={3}>
          {(data) => <HistoryTable entries={data.entries} onChanged={reload} />}
        </Shown>
      </Panel>
      <Panel title="Present configuration" aside={present.data && `applied ${formatAge(present.data.appliedAt)}`} isFlush>
        <Shown resource={present} rows={12}>
          {(data) => <CodeBlock text={data.text} label="Text of the present configuration" hasLineNumbers />}
        </Shown>
      </Panel>
      <Panel title="Check another">
        {present.data !== undefined && <Checker present={present.data.text} onApplied={reload} />}
      </Panel>
    </>
  );
}

interface HistoryTableProps {
  readonly entries: readonly HistoryEntry[];
  onChanged(): void;
}

function HistoryTable({ entries, onChanged }: HistoryTableProps) {
  const [chosen, setChosen] = useState<HistoryEntry>();
  if (entries.length === 0) return <Empty title="No history yet" />;
  return (
    <>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Applied</th>
            <th scope="col" className="from-tablet">
              Source
            </th>
            <th scope="col" className="from-tablet">
              By
            </th>
            <th scope="col" className="number from-tablet">
              Lines
            </th>
            <th scope="col" className="number from-tablet">
              Requests
            </th>
            <th scope="col" className="number">
              5xx
            </th>
            <th scope="col" className="number from-tablet">
              p95
            </th>
            <th scope="col">
              <span className="unseen">Changes</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <tr key={entry.hash}>
              <td>
                <a href={toHash(['configuration', entry.hash])} className="mono">
                  {entry.hash.slice(0, 8)}
                </a>{' '}
                {entry.current && <Badge tone="ok">current</Badge>}
              </td>
              <td>{formatDateTime(entry.appliedAt)}</td>
              <td className="from-tablet">{entry.source}</td>
              <td className="from-tablet quiet">{entry.by}</td>
              <td className="number from-tablet">
                <span className="tone-ok">+{entry.lines.added}</span> <span className="tone-bad">−{entry.lines.removed}</span>
              </td>
              <td className="number from-tablet">{formatCount(entry.traffic?.requests)}</td>
              <td className="number">{formatPercent(findMeasured(entry)?.errorShare)}</td>
              <td className="number from-tablet">{formatMs(findMeasured(entry)?.p95Ms)}</td>
              <td className="actions">
                {!entry.current && (
                  <ActionButton
                    needs="admin"
                    isSmall
                    label={`Roll back to ${entry.hash.slice(0, 8)}`}
                    onClick={() => setChosen(entry)}
                  >
                    Roll back
                  </ActionButton>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {chosen !== undefined && <RollbackDialog entry={chosen} onClose={() => setChosen(undefined)} onDone={onChanged} />}
    </>
  );
}

/** `undefined`: there were no requests, or nobody has counted them. */
function findMeasured({ traffic }: HistoryEntry): { errorShare: number; p95Ms: number } | undefined {
  if (traffic === undefined || traffic.requests === 0) return undefined;
  return { errorShare: traffic.errors / traffic.requests, p95Ms: traffic.p95Ms };
}

interface RollbackDialogProps {
  readonly entry: HistoryEntry;
  onClose(): void;
  onDone(): void;
}

function RollbackDialog({ entry, onClose, onDone }: RollbackDialogProps) {
  return (
    <ConfirmDialog
      title="Roll back the configuration?"
      action="Roll back"
      isDangerous
      onClose={onClose}
      onConfirm={async () => {
        await ask(`/api/history/${part(entry.hash)}/rollback`, { method: 'POST' });
        onDone();
      }}
    >
      <p>
        Version <code>{entry.hash.slice(0, 8)}</code> of {formatDateTime(entry.appliedAt)} takes the place of the present one. The
        file stays as it is: its next change is taken over again.
      </p>
    </ConfirmDialog>
  );
}

/** What the gateway shows in the place of a secret. */
const HIDDEN = '***';
const hiddenReason = 'To apply it, write the secrets, or references such as ${env:NAME}, in the place of ***.';

function Checker({ present, onApplied }: { readonly present: string; onApplied(): void }) {
  const [written, setWritten] = useState<string>();
  const [outcome, setOutcome] = useState<ConfigurationCheck | ApiProblem>();
  // Whoever has written nothing does not bring back what ran when the page was opened.
  const text = written ?? present;
  const write = (changed: string) => {
    setWritten(changed);
    setOutcome(undefined);
  };
  const [isApplying, setIsApplying] = useState(false);
  const hasHidden = text.includes(HIDDEN);
  const check = async () => {
    try {
      setOutcome(await ask<ConfigurationCheck>('/api/configuration/check', { method: 'POST', body: { text } }));
    } catch (error) {
      setOutcome(error instanceof ApiProblem ? error : new ApiProblem(0, '', 'The answer cannot be read.'));
    }
  };
  return (
    <>
      <form
        className="checker"
        onSubmit={(event) => {
          event.preventDefault();
          void check();
        }}
      >
        <TextArea label="Configuration as YAML; checking it changes nothing" value={text} rows={12} onChange={write} />
        <div className="button-row">
          <ActionButton needs="admin" kind="primary" type="submit">
            Check
          </ActionButton>
          <ActionButton
            needs="admin"
            kind="danger"
            {...(hasHidden && { reason: hiddenReason })}
            onClick={() => setIsApplying(true)}
          >
            Apply…
          </ActionButton>
        </div>
        {hasHidden && <p className="quiet">{hiddenReason}</p>}
        <div aria-live="polite">
          {outcome instanceof ApiProblem && <Failure message={outcome.message} code={outcome.code} />}
          {outcome !== undefined && !(outcome instanceof ApiProblem) && <Judgement check={outcome} />}
        </div>
      </form>
      {isApplying && (
        <ConfirmDialog
          title="Apply this configuration?"
          action="Apply"
          isDangerous
          onClose={() => setIsApplying(false)}
          onConfirm={async () => {
            await ask('/api/configuration', { method: 'PUT', body: { text } });
            setWritten(undefined);
            setOutcome(undefined);
            onApplied();
          }}
        >
          <p>It takes the place of the present one on all data threads, if nothing is wrong with it.</p>
        </ConfirmDialog>
      )}
    </>
  );
}

function Judgement({ check }: { readonly check: ConfigurationCheck }) {
  const errors = check.issues.filter(({ severity }) => severity === 'error').length;
  return (
    <>
      <p className={`notice ${check.ok ? 'notice-ok' : 'notice-bad'}`}>
        {check.ok ? 'The configuration is valid.' : `It cannot be applied: ${formatNumberOf(errors, 'error')}.`}
      </p>
      <ul className="line-list">
        {check.issues.map((issue, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: issues have an order and no names of their own
          <Issue key={index} issue={issue} />
        ))}
      </ul>
    </>
  );
}

function Issue({ issue: { line, column, path, message, severity } }: { readonly issue: ConfigurationIssue }) {
  return (
    <li>
      <Badge tone={severity === 'error' ? 'bad' : 'warn'}>{severity}</Badge>
      {line !== undefined && (
        <span className="mono quiet">
          {line}:{column ?? 1}
        </span>
      )}
      <span className="breaking">
        {path !== undefined && path !== '' && <code>{path}</code>} {message}
      </span>
    </li>
  );
}
