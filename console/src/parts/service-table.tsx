import type { Service } from '../api/answers.ts';
import { useTraffic } from '../api/traffic-feed.ts';
import { formatCount, formatLatency, formatRate } from '../formats.ts';
import { toHash } from '../router.ts';
import { errorTone } from './error-share.ts';
import { healthOf } from './health.ts';
import { Empty } from './states.tsx';
import { Dot } from './status-text.tsx';

/** Services with their health and what they have to do. */
export function ServiceTable({ services }: { readonly services: readonly Service[] }) {
  const { report } = useTraffic();
  if (services.length === 0) return <Empty title="No services">All routes of this gateway answer by themselves.</Empty>;
  return (
    <table className="table">
      <thead>
        <tr>
          <th scope="col">Service</th>
          <th scope="col">Endpoints</th>
          <th scope="col" className="number">
            Requests
          </th>
          <th scope="col" className="number from-tablet">
            5xx
          </th>
          <th scope="col" className="number">
            p99
          </th>
          <th scope="col" className="number from-desk">
            In flight
          </th>
        </tr>
      </thead>
      <tbody>
        {services.map((service) => {
          const traffic = report?.services.find(({ name }) => name === service.name);
          const health = healthOf(service);
          return (
            <tr key={service.name}>
              <td className="name-cell">
                <a href={toHash(['services', service.name])}>{service.name}</a>
              </td>
              <td>
                <span className="with-dot" title={health.text}>
                  <Dot tone={health.tone} />
                  {health.usable}/{service.endpoints.length}
                  <span className="from-tablet quiet">{health.word}</span>
                </span>
              </td>
              <td className="number">{formatRate(traffic?.requestsPerSecond)}</td>
              <td className={`number from-tablet ${errorTone(traffic)}`}>{formatRate(traffic?.errorsPerSecond)}</td>
              <td className="number">{formatLatency(traffic, 'p99Ms')}</td>
              <td className="number from-desk">{formatCount(traffic?.inFlight)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
