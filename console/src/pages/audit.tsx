import type { AuditEntry } from '../api/answers.ts';
import { useResource } from '../api/use-resource.ts';
import { formatDateTime } from '../formats.ts';
import { Panel } from '../parts/panel.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { Badge } from '../parts/status-text.tsx';

/** Who changed what, newest first. */
export function AuditPage() {
  const audit = useResource<{ entries: readonly AuditEntry[] }>('/api/audit', 5_000);
  return (
    <Panel title="Changes by operators" isFlush>
      <Shown resource={audit} rows={8}>
        {(data) => <AuditTable entries={data.entries} />}
      </Shown>
    </Panel>
  );
}

function AuditTable({ entries }: { readonly entries: readonly AuditEntry[] }) {
  if (entries.length === 0) return <Empty title="Nothing was changed">Changes over the admin API appear here.</Empty>;
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">What</th>
          <th scope="col">Outcome</th>
        </tr>
      </thead>
      <tbody>
        {entries.map((entry, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: two changes may be alike in all that is shown
          <tr key={index}>
            <td className="audit-time">{formatDateTime(entry.at)}</td>
            <td>
              {entry.by} <span className="quiet from-desk">{[entry.role, entry.address].filter(Boolean).join(', ')}</span>
            </td>
            <td className="breaking">
              <span className="mono">{entry.action}</span>
              <span className="line quiet">{entry.target}</span>
              {(entry.before ?? entry.after) !== undefined && <Change before={entry.before} after={entry.after} />}
            </td>
            <td>
              {entry.outcome === 'done' ? <Badge tone="ok">done</Badge> : <code className="tone-bad">{entry.outcome}</code>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface ChangeProps {
  readonly before: string | undefined;
  readonly after: string | undefined;
}

function Change({ before = '–', after = '–' }: ChangeProps) {
  return (
    <details className="audit-change">
      <summary>Before and after</summary>
      <dl className="facts">
        <div>
          <dt>Before</dt>
          <dd className="mono">{before}</dd>
        </div>
        <div>
          <dt>After</dt>
          <dd className="mono">{after}</dd>
        </div>
      </dl>
    </details>
  );
}
