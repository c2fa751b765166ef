/** All that is known of one exchange. */
import { type ReactNode, useEffect, useId, useRef } from 'react';
import type { ExchangeRecord } from '../api/answers.ts';
import { formatBytes, formatDateTime, formatMs } from '../formats.ts';
import { toHash } from '../router.ts';
import { StatusCode } from './status-text.tsx';

interface ExchangeDialogProps {
  readonly exchange: ExchangeRecord;
  onClose(): void;
}

export function ExchangeDialog({ exchange, onClose }: ExchangeDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="dialog dialog-wide" aria-labelledby={id} onClose={onClose}>
      <header className="dialog-head">
        <h2 id={id} className="mono breaking">
          {exchange.method} {exchange.target}
        </h2>
        <button type="button" className="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </header>
      <Facts exchange={exchange} />
      <Policies exchange={exchange} />
      <Attempts exchange={exchange} />
      <Notes exchange={exchange} />
      <p className="dialog-links">
        <a href={explainHash(exchange)}>Explain this request</a>
      </p>
    </dialog>
  );
}

function explainHash({ method, host, target, listener }: ExchangeRecord): string {
  const url = host === undefined || host === '' ? target : `http://${host}${target}`;
  return toHash(['explain'], { method, url, listener: listener ?? '' });
}

function Facts({ exchange }: { readonly exchange: ExchangeRecord }) {
  const { route, service } = exchange;
  const facts: readonly (readonly [string, ReactNode])[] = [
    ['Status', <StatusCode key="status" status={exchange.status} />],
    ['When', formatDateTime(exchange.at)],
    ['Took', `${formatMs(exchange.durationMs)}${exchange.upstreamMs ? `, upstream ${formatMs(exchange.upstreamMs)}` : ''}`],
    ['Route', route && <a href={toHash(['routes', route])}>{route}</a>],
    ['Service', service && <a href={toHash(['services', service])}>{service}</a>],
    ['Endpoint', exchange.endpoint],
    ['Host', exchange.host],
    ['Listener', exchange.listener],
    ['Client', exchange.client],
    ['Consumer', exchange.consumer],
    ['Sizes', `${formatBytes(exchange.requestBytes)} in, ${formatBytes(exchange.responseBytes)} out`],
    ['Cache', exchange.cache],
    ['Fallback', exchange.fallback],
    ['Not retried', exchange.notRetried],
    ['Reported', exchange.reported && <code key="reported">{exchange.reported}</code>],
    ['Code', exchange.code && <code key="code">{exchange.code}</code>],
    ['Detail', exchange.detail],
    ['Id', <code key="id">{exchange.id}</code>],
  ];
  return (
    <dl className="facts">
      {facts.map(([name, value]) =>
        value === undefined || value === '' || value === null ? null : (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

function Policies({ exchange: { policies = [] } }: { readonly exchange: ExchangeRecord }) {
  if (policies.length === 0) return null;
  return (
    <section className="dialog-part">
      <h3>Policies</h3>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Policy</th>
            <th scope="col">Phase</th>
            <th scope="col">Decision</th>
            <th scope="col" className="number">
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {policies.map((step, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: steps of one exchange have an order and no names of their own
            <tr key={index}>
              <td>{step.name}</td>
              <td className="quiet">{step.phase}</td>
              <td>
                {step.decision} {step.code !== undefined && <code>{step.code}</code>}
              </td>
              <td className="number">{formatMs(step.durationMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Attempts({ exchange: { attempts = [] } }: { readonly exchange: ExchangeRecord }) {
  if (attempts.length === 0) return null;
  return (
    <section className="dialog-part">
      <h3>Attempts</h3>
      <table className="table">
        <thead>
          <tr>
            <th scope="col">Endpoint</th>
            <th scope="col">Cause</th>
            <th scope="col">Outcome</th>
            <th scope="col" className="number">
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {attempts.map((attempt, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: attempts of one exchange have an order and no names of their own
            <tr key={index}>
              <td className="mono breaking">{attempt.endpoint ?? attempt.service}</td>
              <td className="quiet">{attempt.cause}</td>
              <td>
                {attempt.status ? <StatusCode status={attempt.status} /> : null} {attempt.outcome}{' '}
                {attempt.code !== undefined && <code>{attempt.code}</code>} {attempt.detail}
              </td>
              <td className="number">{formatMs(attempt.durationMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Notes({ exchange: { notes = [] } }: { readonly exchange: ExchangeRecord }) {
  if (notes.length === 0) return null;
  return (
    <section className="dialog-part">
      <h3>Notes</h3>
      <dl className="facts">
        {notes.map(({ about, note }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: notes have an order and no names of their own
          <div key={index}>
            <dt>{about}</dt>
            <dd>{note}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
