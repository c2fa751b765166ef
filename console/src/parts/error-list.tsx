import { useState } from 'react';
import type { ExchangeRecord } from '../api/answers.ts';
import { formatMs, formatTime } from '../formats.ts';
import { ExchangeDialog } from './exchange-dialog.tsx';
import { Empty } from './states.tsx';
import { StatusCode } from './status-text.tsx';

/** Exchanges that failed, newest first; each opens with all that is known of it. */
export function ErrorList({ errors }: { readonly errors: readonly ExchangeRecord[] }) {
  const [chosen, setChosen] = useState<ExchangeRecord>();
  if (errors.length === 0)
    return <Empty title="No errors">Exchanges that end with a status of 500 or above are kept here.</Empty>;
  return (
    <>
      <ul className="error-list">
        {errors.map((exchange) => (
          <li key={`${exchange.at} ${exchange.id}`}>
            <button type="button" className="error-row" onClick={() => setChosen(exchange)}>
              <span className="quiet number">{formatTime(exchange.at)}</span>
              <StatusCode status={exchange.status} />
              <span className="mono cut">
                {exchange.method} {exchange.target}
              </span>
              <span className="quiet cut from-tablet">{exchange.code ?? exchange.detail ?? ''}</span>
              <span className="number from-tablet">{formatMs(exchange.durationMs)}</span>
            </button>
          </li>
        ))}
      </ul>
      {chosen !== undefined && <ExchangeDialog exchange={chosen} onClose={() => setChosen(undefined)} />}
    </>
  );
}
