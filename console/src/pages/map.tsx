/** Which routes lead to which services and endpoints, how much goes there, and how they are. */
import { type CSSProperties, useState } from 'react';
import type { RoutePage, Service } from '../api/answers.ts';
import { useTraffic } from '../api/traffic-feed.ts';
import { useResource } from '../api/use-resource.ts';
import { formatCount, formatNumberOf, formatRate } from '../formats.ts';
import { hasManyErrors } from '../parts/error-share.ts';
import { SearchField } from '../parts/fields.tsx';
import { endpointHealthOf, healthOf } from '../parts/health.ts';
import { layMap, type MapLink, type MapNode, ROW_HEIGHT } from '../parts/map-layout.ts';
import { Empty, Failure, Loading } from '../parts/states.tsx';
import { Dot, type Tone } from '../parts/status-text.tsx';
import { useSettled } from '../parts/use-settled.ts';
import { toHash } from '../router.ts';

const ROUTES_ASKED = 40;

export function MapPage() {
  const [search, setSearch] = useState('');
  const asked = useSettled(search.trim());
  const query = new URLSearchParams({ max: String(ROUTES_ASKED), ...(asked !== '' && { search: asked }) });
  const routes = useResource<RoutePage>(`/api/routes?${query}`, 15_000);
  const services = useResource<{ services: readonly Service[] }>('/api/services', 5_000);
  const problem = routes.problem ?? services.problem;
  const isThere = routes.data !== undefined && services.data !== undefined;
  return (
    <section className="panel" aria-label="Map of routes and services">
      <header className="panel-head">
        <p className="quiet">
          {routes.data !== undefined &&
            (routes.data.total > routes.data.routes.length
              ? `${formatCount(routes.data.routes.length)} of ${formatCount(routes.data.total)} routes; search for others`
              : formatNumberOf(routes.data.total, 'route'))}
        </p>
        <div className="panel-aside">
          <SearchField label="Search routes" value={search} onChange={setSearch} placeholder="Name, path, host, service" />
        </div>
      </header>
      {problem !== undefined && <Failure message={problem.message} code={problem.code} />}
      {!isThere && problem === undefined && <Loading rows={10} />}
      {isThere && <Drawing page={routes.data!} services={services.data!.services} />}
    </section>
  );
}

function Drawing({ page, services }: { readonly page: RoutePage; readonly services: readonly Service[] }) {
  const { report } = useTraffic();
  if (page.routes.length === 0) return <Empty title="No route has this in it" />;
  const map = layMap(page.routes, services);
  const routeTraffic = new Map(report?.routes.map((traffic) => [traffic.name, traffic]));
  const serviceTraffic = new Map(report?.services.map((traffic) => [traffic.name, traffic]));
  const height = { '--map-height': `${map.rows * ROW_HEIGHT}px` } as CSSProperties;
  const toneOfRoute = (name: string): Tone => (hasManyErrors(routeTraffic.get(name)) ? 'bad' : 'accent');
  return (
    <div className="map" style={height}>
      <h2 className="map-title">Routes</h2>
      <h2 className="map-title map-title-middle">Services</h2>
      <h2 className="map-title map-title-end">Endpoints</h2>
      <ul className="map-column" aria-label="Routes">
        {map.routes.map(({ item, row }) => (
          <li key={item.name} className="map-node" style={toPlace(row)}>
            <a href={toHash(['routes', item.name])} title={item.match.join('\n')}>
              <span className="cut">{item.name}</span>
              <span className="map-node-to quiet cut">→ {item.services.join(', ') || item.to}</span>
              <span className="number quiet">{formatRate(routeTraffic.get(item.name)?.requestsPerSecond ?? 0)}</span>
            </a>
          </li>
        ))}
      </ul>
      <Links
        links={map.routeLinks}
        rows={map.rows}
        toTone={toneOfRoute}
        toRate={(name) => routeTraffic.get(name)?.requestsPerSecond ?? 0}
      />
      <ul className="map-column" aria-label="Services">
        {map.services.map(({ item, row }) => (
          <ServiceNode key={item.name} node={{ item, row }} rate={serviceTraffic.get(item.name)?.requestsPerSecond ?? 0} />
        ))}
      </ul>
      <Links links={map.endpointLinks} rows={map.rows} toTone={() => 'quiet'} toRate={() => 0} />
      <ul className="map-column" aria-label="Endpoints">
        {map.endpoints.map(({ item, row }) => {
          const { tone, word } = endpointHealthOf(item.endpoint);
          return (
            <li key={`${item.service} ${item.endpoint.id}`} className="map-node" style={toPlace(row)}>
              <span className="map-endpoint" title={item.endpoint.url}>
                <Dot tone={tone} />
                <span className="mono cut">{item.endpoint.url.replace(/^\w+:\/\//, '')}</span>
                <span className="quiet">{word}</span>
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function ServiceNode({ node: { item, row }, rate }: { readonly node: MapNode<Service>; readonly rate: number }) {
  const health = healthOf(item);
  return (
    <li className="map-node" style={toPlace(row)}>
      <a href={toHash(['services', item.name])} title={health.text}>
        <Dot tone={health.tone} />
        <span className="cut">{item.name}</span>
        <span className="unseen">{health.word}</span>
        <span className="number quiet">{formatRate(rate)}</span>
      </a>
    </li>
  );
}

/** Read by the style sheet, which puts nodes under each other where there is little room. */
function toPlace(row: number): CSSProperties {
  return { '--map-top': `${row * ROW_HEIGHT}px` } as CSSProperties;
}

interface LinksProps {
  readonly links: readonly MapLink[];
  readonly rows: number;
  toTone(from: string): Tone;
  toRate(from: string): number;
}

function Links({ links, rows, toTone, toRate }: LinksProps) {
  const height = rows * ROW_HEIGHT;
  const middle = (row: number) => (row + 0.5) * ROW_HEIGHT;
  return (
    <svg className="map-links" viewBox={`0 0 100 ${height}`} preserveAspectRatio="none" aria-hidden="true">
      {links.map(({ from, fromRow, toRow, to }) => (
        <path
          key={`${from}\n${to}`}
          className={`tone-${toTone(from)} ${toRate(from) > 0 ? 'is-busy' : ''}`}
          d={`M0 ${middle(fromRow)}C50 ${middle(fromRow)} 50 ${middle(toRow)} 100 ${middle(toRow)}`}
          strokeWidth={1 + Math.min(5, Math.log10(1 + toRate(from)) * 1.5)}
        />
      ))}
    </svg>
  );
}
