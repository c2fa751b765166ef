/** Limits of the configuration, and what quotas have counted. */
import { useState } from 'react';
import type { Limit, Quota, QuotaPage } from '../api/answers.ts';
import { ask, part } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { Meter } from '../charts/meter.tsx';
import { formatCount, formatDateTime } from '../formats.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { Panel } from '../parts/panel.tsx';
import { ActionButton } from '../parts/permission.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { Badge } from '../parts/status-text.tsx';

export function LimitsPage() {
  const limits = useResource<{ limits: readonly Limit[] }>('/api/limits', 5_000);
  return (
    <>
      <Panel title="Limits" aside="Refusals are of all policies of a kind" isFlush>
        <Shown resource={limits} rows={4}>
          {(data) => <LimitTable limits={data.limits} />}
        </Shown>
      </Panel>
      <Quotas />
    </>
  );
}

function LimitTable({ limits }: { readonly limits: readonly Limit[] }) {
  if (limits.length === 0) return <Empty title="No limits">Policies such as rate-limit, concurrency and quota set limits.</Empty>;
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Kind</th>
          <th scope="col">Where</th>
          <th scope="col">Limit</th>
          <th scope="col" className="from-tablet">
            By
          </th>
          <th scope="col" className="number">
            Refused
          </th>
        </tr>
      </thead>
      <tbody>
        {limits.map(({ kind, where, limit, by, refused }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: one policy may set two limits that are alike
          <tr key={index}>
            <td>
              <Badge>{kind}</Badge>
            </td>
            <td className="breaking">{where}</td>
            <td className="breaking">{limit}</td>
            <td className="from-tablet quiet">{by}</td>
            <td className={`number ${refused > 0 ? 'tone-warn' : 'quiet'}`}>{formatCount(refused)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Quotas() {
  const [from, setFrom] = useState(0);
  const quotas = useResource<QuotaPage>(`/api/quotas?from=${from}&max=100`, 5_000);
  const [reset, setReset] = useState<Quota>();
  return (
    <Panel title="Quotas" aside="Windows that are not over" isFlush>
      <Shown resource={quotas} rows={3}>
        {(page) => (
          <>
            <QuotaTable quotas={page.quotas} onReset={setReset} />
            {(from > 0 || page.next !== undefined) && (
              <div className="pages">
                <button type="button" className="button button-small" disabled={from === 0} onClick={() => setFrom(0)}>
                  First
                </button>
                <button
                  type="button"
                  className="button button-small"
                  disabled={page.next === undefined}
                  onClick={() => page.next !== undefined && setFrom(page.next)}
                >
                  Next
                </button>
              </div>
            )}
          </>
        )}
      </Shown>
      {reset !== undefined && (
        <ConfirmDialog
          title="Reset this quota?"
          action="Reset"
          isDangerous
          onClose={() => setReset(undefined)}
          onConfirm={async () => {
            await ask(`/api/quotas/${part(reset.id)}`, { method: 'DELETE' });
            quotas.reload();
          }}
        >
          <p>
            {reset.quota}
            {reset.key !== '' && (
              <>
                {' '}
                of <b className="breaking">{reset.key}</b>
              </>
            )}{' '}
            begins to count anew; {formatCount(reset.used)} of {formatCount(reset.limit)} requests are forgotten.
          </p>
        </ConfirmDialog>
      )}
    </Panel>
  );
}

interface QuotaTableProps {
  readonly quotas: readonly Quota[];
  onReset(quota: Quota): void;
}

function QuotaTable({ quotas, onReset }: QuotaTableProps) {
  if (quotas.length === 0) return <Empty title="Nothing is counted" />;
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Quota</th>
          <th scope="col">Key</th>
          <th scope="col" className="meter-cell">
            Used
          </th>
          <th scope="col" className="from-tablet">
            Until
          </th>
          <th scope="col">
            <span className="unseen">Changes</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {quotas.map((quota) => (
          <tr key={quota.id}>
            <td className="breaking">{quota.quota}</td>
            <td className="mono breaking">{quota.key || '(hidden)'}</td>
            <td className="meter-cell">
              <Meter
                label={`Used of ${quota.quota}`}
                share={quota.limit === 0 ? 1 : quota.used / quota.limit}
                text={`${formatCount(quota.used)} of ${formatCount(quota.limit)}`}
              />
            </td>
            <td className="from-tablet number-name">{formatDateTime(quota.until)}</td>
            <td className="actions">
              <ActionButton needs="operate" isSmall label={`Reset ${quota.quota} of ${quota.key}`} onClick={() => onReset(quota)}>
                Reset
              </ActionButton>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
