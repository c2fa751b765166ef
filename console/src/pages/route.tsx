/** One route: what passes, its policies, what failed lately, and how a request would fare. */
import type { ExchangeRecord, RouteDetails, RoutePolicy, RouteTraffic } from '../api/answers.ts';
import { part } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { TimeChart } from '../charts/time-chart.tsx';
import { formatCount, formatMs, formatPercent, formatRate } from '../formats.ts';
import { CodeBlock } from '../parts/code-block.tsx';
import { ErrorList } from '../parts/error-list.tsx';
import { ExplainForm } from '../parts/explain-form.tsx';
import { Panel } from '../parts/panel.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { Badge, StatusCode } from '../parts/status-text.tsx';
import { toLatencySeries, toRateSeries } from '../parts/traffic-series.ts';
import { toHash } from '../router.ts';

const TRAFFIC_EVERY_MS = 2_000;
const DETAILS_EVERY_MS = 15_000;

export function RoutePage({ name }: { readonly name: string }) {
  const path = `/api/routes/${part(name)}`;
  const details = useResource<RouteDetails>(path, DETAILS_EVERY_MS);
  return (
    <Shown resource={details}>
      {(route) => (
        <>
          <Summary route={route} />
          <RouteTrafficPanels path={path} />
          <div className="columns-2">
            <Panel title="Policies, in order" aside={`${route.policies.length}`} isFlush>
              <PolicyList policies={route.policies} />
            </Panel>
            <RouteErrors name={name} />
          </div>
          <Panel title="Explain a request">
            <ExplainForm initialUrl={toExampleUrl(route)} />
          </Panel>
          <Panel title="Definition" isFlush>
            <CodeBlock text={route.definition} label="Definition of the route in YAML" />
          </Panel>
        </>
      )}
    </Shown>
  );
}

function Summary({ route }: { readonly route: RouteDetails }) {
  return (
    <div className="summary">
      <dl className="facts">
        <div>
          <dt>Matches</dt>
          <dd>
            {route.match.map((line) => (
              <span key={line} className="mono breaking line">
                {line}
              </span>
            ))}
          </dd>
        </div>
        <div>
          <dt>Goes to</dt>
          <dd className="breaking">{route.to}</dd>
        </div>
        {route.services.length > 0 && (
          <div>
            <dt>Services</dt>
            <dd className="inline-list">
              {route.services.map((service) => (
                <a key={service} href={toHash(['services', service])}>
                  {service}
                </a>
              ))}
            </dd>
          </div>
        )}
      </dl>
      <a className="button" href={toHash(['tail'], { route: route.name })}>
        Live tail
      </a>
    </div>
  );
}

function RouteTrafficPanels({ path }: { readonly path: string }) {
  const { data } = useResource<RouteTraffic>(`${path}/traffic`, TRAFFIC_EVERY_MS);
  const points = data?.points ?? [];
  const times = points.map(({ at }) => at);
  return (
    <>
      <div className="columns-2">
        <TimeChart title="Requests" kind="stacked" times={times} series={toRateSeries(points)} format={formatRate} />
        <TimeChart title="Latency" kind="quantiles" times={times} series={toLatencySeries(points)} format={formatMs} />
      </div>
      <Statuses statuses={data?.statuses ?? {}} />
    </>
  );
}

function Statuses({ statuses }: { readonly statuses: Readonly<Record<string, number>> }) {
  const entries = Object.entries(statuses).toSorted(([, a], [, b]) => b - a);
  const total = entries.reduce((sum, [, count]) => sum + count, 0);
  return (
    <ul className="statuses" aria-label="Statuses of answers">
      {entries.length === 0 && <li className="quiet">No answers yet</li>}
      {entries.map(([status, count]) => (
        <li key={status}>
          <StatusCode status={Number(status)} /> {formatCount(count)}{' '}
          <span className="quiet">{formatPercent(count / total)}</span>
        </li>
      ))}
    </ul>
  );
}

function PolicyList({ policies }: { readonly policies: readonly RoutePolicy[] }) {
  if (policies.length === 0) return <Empty title="No policies">Requests pass this route as they are.</Empty>;
  return (
    <ol className="policy-list">
      {policies.map(({ name, level, settings, summary }) => (
        <li key={`${name} ${level}`}>
          <details>
            <summary>
              <span className="policy-name">{name}</span>
              {level !== 'route' && <Badge>{level}</Badge>}
              <span className="quiet cut">{summary}</span>
            </summary>
            <CodeBlock text={JSON.stringify(settings ?? {}, undefined, 2)} label={`Settings of ${name}`} />
          </details>
        </li>
      ))}
    </ol>
  );
}

function RouteErrors({ name }: { readonly name: string }) {
  const errors = useResource<{ errors: readonly ExchangeRecord[] }>(`/api/errors?route=${part(name)}`, 5_000);
  return (
    <Panel title="Recent errors" aside={<a href={toHash(['tail'], { route: name, status: '5xx' })}>Live tail</a>} isFlush>
      <Shown resource={errors} rows={3}>
        {(data) => <ErrorList errors={data.errors.slice(0, 10)} />}
      </Shown>
    </Panel>
  );
}

/** Something to begin with: the path of the first match, where it is one. */
function toExampleUrl({ match }: RouteDetails): string {
  const [, host, path = '/'] = /(?:^|\s)([\w.-]+(?=\/))?(\/[^\s*]*)/.exec(match[0] ?? '') ?? [];
  return host === undefined ? path : `http://${host}${path}`;
}
