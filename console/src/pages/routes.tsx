import { useState } from 'react';
import type { RoutePage as Page, RouteSummary } from '../api/answers.ts';
import { useTraffic } from '../api/traffic-feed.ts';
import { useResource } from '../api/use-resource.ts';
import { Sparkline } from '../charts/sparkline.tsx';
import { formatCount, formatLatency, formatRate } from '../formats.ts';
import { errorTone } from '../parts/error-share.ts';
import { SearchField } from '../parts/fields.tsx';
import { Panel } from '../parts/panel.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { useSettled } from '../parts/use-settled.ts';
import { toHash } from '../router.ts';

const PAGE_LENGTH = 50;
const EVERY_MS = 15_000;

/** All routes, page by page, with what passes through each. */
export function RoutesPage() {
  const [search, setSearch] = useState('');
  const [from, setFrom] = useState(0);
  const asked = useSettled(search.trim());
  const query = new URLSearchParams({ from: String(from), max: String(PAGE_LENGTH), ...(asked !== '' && { search: asked }) });
  const routes = useResource<Page>(`/api/routes?${query}`, EVERY_MS);
  const searchFor = (text: string) => {
    setSearch(text);
    setFrom(0);
  };
  return (
    <Panel
      title="Routes"
      isFlush
      aside={<SearchField label="Search routes" value={search} onChange={searchFor} placeholder="Name, path, host, service" />}
    >
      <Shown resource={routes} rows={12}>
        {(page) =>
          page.routes.length === 0 ? (
            <Empty title={asked === '' ? 'No routes' : 'No route has this in it'} />
          ) : (
            <>
              <RouteTable routes={page.routes} />
              <Pages page={page} from={from} onMove={setFrom} />
            </>
          )
        }
      </Shown>
    </Panel>
  );
}

function RouteTable({ routes }: { readonly routes: readonly RouteSummary[] }) {
  const { report, routeRates } = useTraffic();
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col" className="from-tablet">
            Match
          </th>
          <th scope="col" className="from-tablet">
            To
          </th>
          <th scope="col" className="from-desk spark-cell">
            Trend
          </th>
          <th scope="col" className="number">
            Requests
          </th>
          <th scope="col" className="number">
            5xx
          </th>
          <th scope="col" className="number">
            p99
          </th>
        </tr>
      </thead>
      <tbody>
        {routes.map((route) => {
          const traffic = report?.routes.find(({ name }) => name === route.name);
          return (
            <tr key={route.name}>
              <td className="name-cell">
                <a href={toHash(['routes', route.name])}>{route.name}</a>
              </td>
              <td className="from-tablet mono cut-cell" title={route.match.join('\n')}>
                {route.match[0] ?? 'everything'}
                {route.match.length > 1 && <span className="quiet"> +{route.match.length - 1}</span>}
              </td>
              <td className="from-tablet cut-cell" title={route.to}>
                {route.to}
              </td>
              <td className="from-desk spark-cell">
                <Sparkline values={routeRates.get(route.name) ?? []} />
              </td>
              <td className="number">{formatRate(traffic?.requestsPerSecond)}</td>
              <td className={`number ${errorTone(traffic)}`}>{formatRate(traffic?.errorsPerSecond)}</td>
              <td className="number">{formatLatency(traffic, 'p99Ms')}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

interface PagesProps {
  readonly page: Page;
  readonly from: number;
  onMove(from: number): void;
}

function Pages({ page, from, onMove }: PagesProps) {
  const { next, total, routes } = page;
  return (
    <div className="pages">
      <span className="quiet">
        {formatCount(from + 1)}–{formatCount(from + routes.length)} of {formatCount(total)}
      </span>
      {total > routes.length && (
        <>
          <button
            type="button"
            className="button button-small"
            disabled={from === 0}
            onClick={() => onMove(Math.max(0, from - PAGE_LENGTH))}
          >
            Previous
          </button>
          <button
            type="button"
            className="button button-small"
            disabled={next === undefined}
            onClick={() => next !== undefined && onMove(next)}
          >
            Next
          </button>
        </>
      )}
    </div>
  );
}
