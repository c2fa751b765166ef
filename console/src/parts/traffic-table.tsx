import { useTraffic } from '../api/traffic-feed.ts';
import { Sparkline } from '../charts/sparkline.tsx';
import { formatLatency, formatRate } from '../formats.ts';
import { toHash } from '../router.ts';
import { errorTone } from './error-share.ts';
import { Empty } from './states.tsx';

/** The routes with the most requests, busiest first. */
export function BusyRoutes({ max }: { readonly max: number }) {
  const { report, routeRates } = useTraffic();
  const busy = (report?.routes ?? [])
    .filter(({ requestsPerSecond, inFlight }) => requestsPerSecond > 0 || inFlight > 0)
    .toSorted((a, b) => b.requestsPerSecond - a.requestsPerSecond || (a.name < b.name ? -1 : 1));
  if (busy.length === 0) return <Empty title="No traffic in the last minute">Routes appear here with their first request.</Empty>;
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Route</th>
          <th scope="col" className="from-tablet spark-cell">
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
        {busy.slice(0, max).map((route) => (
          <tr key={route.name}>
            <td className="name-cell">
              <a href={toHash(['routes', route.name])}>{route.name}</a>
            </td>
            <td className="from-tablet spark-cell">
              <Sparkline values={routeRates.get(route.name) ?? []} />
            </td>
            <td className="number">{formatRate(route.requestsPerSecond)}</td>
            <td className={`number ${errorTone(route)}`}>{formatRate(route.errorsPerSecond)}</td>
            <td className="number">{formatLatency(route, 'p99Ms')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
