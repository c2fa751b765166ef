/** Requests as they happen, with filters that the gateway applies. */
import { type KeyboardEvent, memo, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import type { ExchangeRecord } from '../api/answers.ts';
import { ROWS_MAX, TailFeed, type TailRow, type TailView } from '../api/tail-feed.ts';
import { formatCount, formatMs, formatNumberOf, formatTime } from '../formats.ts';
import { ExchangeDialog } from '../parts/exchange-dialog.tsx';
import { SelectField, TextField } from '../parts/fields.tsx';
import { Empty, Failure } from '../parts/states.tsx';
import { Dot, StatusCode } from '../parts/status-text.tsx';
import { useSettled } from '../parts/use-settled.ts';
import { navigate, toHash } from '../router.ts';

const filterNames = ['path', 'route', 'service', 'status', 'method', 'client', 'sample'] as const;
type Filters = Readonly<Record<(typeof filterNames)[number], string>>;

const statusChoices = [
  ['', 'Any'],
  ['2xx', '2xx'],
  ['3xx', '3xx'],
  ['4xx', '4xx'],
  ['5xx', '5xx'],
  ['4xx,5xx', '4xx and 5xx'],
] as const;
const methodChoices = ['', 'GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].map((one) => [one, one || 'Any'] as const);
const sampleChoices = [
  ['', 'All'],
  ['0.1', '1 in 10'],
  ['0.01', '1 in 100'],
  ['0.001', '1 in 1,000'],
] as const;

export function TailPage({ query }: { readonly query: URLSearchParams }) {
  const [filters, setFilters] = useState<Filters>(() => readFilters(query));
  const settled = useSettled(filters);
  const feed = useFeed(settled);
  // They stand in the address, so that they can be passed on.
  useEffect(() => navigate(toHash(['tail'], settled), { isReplaced: true }), [settled]);
  const change = (name: keyof Filters) => (value: string) => setFilters({ ...filters, [name]: value });
  return (
    <>
      <search className="panel tail-filters" aria-label="Filters">
        <TextField label="Path" value={filters.path} placeholder="/orders/*" onChange={change('path')} isMono />
        <TextField label="Route" value={filters.route} onChange={change('route')} />
        <TextField label="Service" value={filters.service} onChange={change('service')} />
        <SelectField
          label="Status"
          value={filters.status}
          choices={withChosen(statusChoices, filters.status)}
          onChange={change('status')}
        />
        <SelectField
          label="Method"
          value={filters.method}
          choices={withChosen(methodChoices, filters.method)}
          onChange={change('method')}
        />
        <TextField label="Client" value={filters.client} placeholder="10.0.0.0/8" onChange={change('client')} isMono />
        <SelectField
          label="Sample"
          value={filters.sample}
          choices={withChosen(sampleChoices, filters.sample)}
          onChange={change('sample')}
        />
      </search>
      {feed !== undefined && <Tail feed={feed} hasFilters={filterNames.some((name) => settled[name] !== '')} />}
    </>
  );
}

/** A link may ask for what is not among the choices. */
function withChosen(choices: readonly (readonly [string, string])[], chosen: string): readonly (readonly [string, string])[] {
  return choices.some(([value]) => value === chosen) ? choices : [...choices, [chosen, chosen]];
}

function readFilters(query: URLSearchParams): Filters {
  return Object.fromEntries(filterNames.map((name) => [name, query.get(name) ?? ''])) as Filters;
}

function useFeed(filters: Filters): TailFeed | undefined {
  const [feed, setFeed] = useState<TailFeed>();
  useEffect(() => {
    const given = Object.entries(filters)
      .map(([name, value]) => [name, value.trim()])
      .filter(([, value]) => value !== '');
    const opened = new TailFeed(`/api/tap?${new URLSearchParams(given)}`);
    setFeed(opened);
    return () => opened.stop();
  }, [filters]);
  return feed;
}

function Tail({ feed, hasFilters }: { readonly feed: TailFeed; readonly hasFilters: boolean }) {
  const view = useSyncExternalStore(feed.subscribe, () => feed.view);
  const [chosen, setChosen] = useState<ExchangeRecord>();
  const { rows, problem, state } = view;
  return (
    <section className="panel" aria-label="Requests">
      <header className="panel-head tail-head">
        <TailState view={view} />
        <div className="panel-aside">
          <button type="button" className="button" aria-pressed={view.isPaused} onClick={() => feed.pause(!view.isPaused)}>
            {view.isPaused ? 'Go on' : 'Pause'}
          </button>
          <button type="button" className="button" onClick={() => feed.clear()}>
            Clear
          </button>
        </div>
      </header>
      {problem !== undefined && (
        <Failure
          message={`${problem.message}${state === 'waiting' && problem.status === 0 ? ' Trying again.' : ''}`}
          code={problem.code}
        />
      )}
      {rows.length === 0 && problem === undefined ? (
        <Empty title="Waiting for requests">
          {hasFilters ? 'Only those that the filters let through appear here.' : 'They appear here as they end.'}
        </Empty>
      ) : (
        <Rows rows={rows} onChoose={setChosen} />
      )}
      {chosen !== undefined && <ExchangeDialog exchange={chosen} onClose={() => setChosen(undefined)} />}
    </section>
  );
}

const stateTexts = { connecting: 'Connecting', live: 'Live', waiting: 'Interrupted', hidden: 'Resting', stopped: 'Stopped' };

function TailState({ view: { state, isPaused, waiting, dropped, rows } }: { readonly view: TailView }) {
  const tone = state === 'live' ? (isPaused ? 'warn' : 'ok') : state === 'connecting' ? 'quiet' : 'warn';
  return (
    <p className="tail-state" role="status">
      <Dot tone={tone} />
      <span>{isPaused ? `Paused, ${formatCount(waiting)} new` : stateTexts[state]}</span>
      <span className="quiet">
        {rows.length === ROWS_MAX ? `the last ${formatCount(ROWS_MAX)}` : formatNumberOf(rows.length, 'request')}
        {dropped > 0 && `, ${formatCount(dropped)} not shown: too many`}
      </span>
    </p>
  );
}

interface RowsProps {
  readonly rows: readonly TailRow[];
  onChoose(exchange: ExchangeRecord): void;
}

/** One stop for the keyboard; within, the arrows lead from row to row. */
function Rows({ rows, onChoose }: RowsProps) {
  const body = useRef<HTMLTableSectionElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const buttons = [...(body.current?.querySelectorAll('button') ?? [])];
    const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    buttons[Math.max(0, Math.min(buttons.length - 1, to))]?.focus();
  };
  return (
    <table className="table tail-table">
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Status</th>
          <th scope="col">Request</th>
          <th scope="col" className="from-tablet">
            Route
          </th>
          <th scope="col" className="from-desk">
            Endpoint
          </th>
          <th scope="col" className="from-desk">
            Client
          </th>
          <th scope="col" className="number">
            Took
          </th>
        </tr>
      </thead>
      <tbody ref={body} onKeyDown={onKeyDown}>
        {rows.map((row, index) => (
          <Row key={row.number} row={row} isFirst={index === 0} onChoose={onChoose} />
        ))}
      </tbody>
    </table>
  );
}

interface RowProps {
  readonly row: TailRow;
  readonly isFirst: boolean;
  onChoose(exchange: ExchangeRecord): void;
}

const Row = memo(function Row({ row: { exchange }, isFirst, onChoose }: RowProps) {
  return (
    <tr className={exchange.status >= 500 || exchange.status === 0 ? 'is-bad' : ''}>
      <td className="quiet number-name">{formatTime(exchange.at)}</td>
      <td>
        <StatusCode status={exchange.status} />
      </td>
      <td className="tail-target">
        <button type="button" tabIndex={isFirst ? 0 : -1} onClick={() => onChoose(exchange)}>
          <b>{exchange.method}</b> {exchange.target}
        </button>
      </td>
      <td className="from-tablet cut-cell">{exchange.route ?? <span className="quiet">no route</span>}</td>
      <td className="from-desk cut-cell quiet">{exchange.endpoint?.replace(/^https?:\/\//, '') ?? exchange.code}</td>
      <td className="from-desk cut-cell quiet">{exchange.consumer ?? exchange.client}</td>
      <td className="number">{formatMs(exchange.durationMs)}</td>
    </tr>
  );
});
