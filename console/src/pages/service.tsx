/** One service: its endpoints, what they have to do, and what an operator may change about them. */
import { useState } from 'react';
import type { Endpoint, Service } from '../api/answers.ts';
import { ask, part } from '../api/ask.ts';
import { useTraffic } from '../api/traffic-feed.ts';
import { type Resource, useResource } from '../api/use-resource.ts';
import { formatCount, formatLatency, formatRate } from '../formats.ts';
import { ConfirmDialog } from '../parts/confirm-dialog.tsx';
import { hasManyErrors } from '../parts/error-share.ts';
import { endpointHealthOf, healthOf } from '../parts/health.ts';
import { KeyFigure } from '../parts/key-figure.tsx';
import { Panel } from '../parts/panel.tsx';
import { ActionButton } from '../parts/permission.tsx';
import { Empty, Shown } from '../parts/states.tsx';
import { Badge, Dot } from '../parts/status-text.tsx';
import { WeightDialog } from '../parts/weight-dialog.tsx';
import { toHash } from '../router.ts';

interface Change {
  readonly kind: 'drain' | 'weight';
  readonly endpoint: Endpoint;
}

export function ServicePage({ name }: { readonly name: string }) {
  const path = `/api/services/${part(name)}`;
  const service = useResource<Service>(path, 3_000);
  return (
    <Shown resource={service}>
      {(data) => (
        <>
          <Figures service={data} />
          <Endpoints service={data} path={path} resource={service} />
          <RoutesOfService name={name} />
        </>
      )}
    </Shown>
  );
}

function Figures({ service }: { readonly service: Service }) {
  const { report, serviceRates } = useTraffic();
  const traffic = report?.services.find(({ name }) => name === service.name);
  const health = healthOf(service);
  return (
    <div className="key-figures">
      <KeyFigure label="Requests" value={formatRate(traffic?.requestsPerSecond)} trend={serviceRates.get(service.name) ?? []} />
      <KeyFigure
        label="Errors (5xx)"
        value={formatRate(traffic?.errorsPerSecond)}
        tone={hasManyErrors(traffic) ? 'bad' : 'quiet'}
        note={`${formatRate(traffic?.retriesPerSecond)} retries`}
        trend={[]}
      />
      <KeyFigure
        label="Latency p99"
        value={formatLatency(traffic, 'p99Ms')}
        note={`p50 ${formatLatency(traffic, 'p50Ms')}, p90 ${formatLatency(traffic, 'p90Ms')}`}
        trend={[]}
      />
      <KeyFigure
        label="Endpoints in use"
        value={`${health.usable}/${service.endpoints.length}`}
        tone={health.tone === 'bad' ? 'bad' : 'accent'}
        note={`${formatCount(traffic?.connections)} connections, ${formatCount(traffic?.waiting)} waiting`}
        trend={[]}
      />
    </div>
  );
}

interface EndpointsProps {
  readonly service: Service;
  readonly path: string;
  readonly resource: Resource<Service>;
}

function Endpoints({ service, path, resource }: EndpointsProps) {
  const [change, setChange] = useState<Change>();
  const toPath = ({ id }: Endpoint) => `${path}/endpoints/${part(id)}`;
  const close = () => setChange(undefined);
  return (
    <Panel title="Endpoints" aside="Changes hold until the gateway ends" isFlush>
      {service.endpoints.length === 0 ? (
        <Empty title="No endpoints">Requests for this service are answered with an error until there is one.</Empty>
      ) : (
        <table className="table">
          <thead>
            <tr>
              <th scope="col">Endpoint</th>
              <th scope="col">State</th>
              <th scope="col" className="number">
                Weight
              </th>
              <th scope="col" className="from-tablet">
                Named by
              </th>
              <th scope="col">
                <span className="unseen">Changes</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {service.endpoints.map((endpoint) => (
              <EndpointRow key={endpoint.id} endpoint={endpoint} onChange={(kind) => setChange({ kind, endpoint })} />
            ))}
          </tbody>
        </table>
      )}
      {change !== undefined && change.kind === 'weight' && (
        <WeightDialog
          endpoint={change.endpoint}
          onClose={close}
          onChoose={async (weight) => {
            await ask(toPath(change.endpoint), { method: 'PATCH', body: { weight } });
            resource.reload();
          }}
        />
      )}
      {change !== undefined && change.kind !== 'weight' && (
        <ChangeDialog
          change={change}
          service={service.name}
          path={toPath(change.endpoint)}
          onClose={close}
          onDone={resource.reload}
        />
      )}
    </Panel>
  );
}

interface EndpointRowProps {
  readonly endpoint: Endpoint;
  onChange(kind: Change['kind']): void;
}

function EndpointRow({ endpoint, onChange }: EndpointRowProps) {
  const { tone, word } = endpointHealthOf(endpoint);
  const { url, draining, weight, origins } = endpoint;
  return (
    <tr>
      <td className="mono breaking">{url}</td>
      <td>
        <span className="with-dot">
          <Dot tone={tone} />
          {word}
        </span>
      </td>
      <td className="number">{weight}</td>
      <td className="from-tablet quiet">{origins.join(', ')}</td>
      <td className="actions">
        <ActionButton needs="operate" isSmall label={`Weight of ${url}`} onClick={() => onChange('weight')}>
          Weight
        </ActionButton>
        <ActionButton
          needs="operate"
          isSmall
          label={draining ? `Let ${url} take requests again` : `Drain ${url}`}
          onClick={() => onChange('drain')}
        >
          {draining ? 'Undrain' : 'Drain'}
        </ActionButton>
      </td>
    </tr>
  );
}

interface ChangeDialogProps {
  readonly change: Change;
  readonly service: string;
  readonly path: string;
  onClose(): void;
  onDone(): void;
}

function ChangeDialog({ change, service, path, onClose, onDone }: ChangeDialogProps) {
  const { draining, url } = change.endpoint;
  return (
    <ConfirmDialog
      title={draining ? 'Take requests again?' : 'Drain this endpoint?'}
      action={draining ? 'Take requests again' : 'Drain'}
      isDangerous={!draining}
      onClose={onClose}
      onConfirm={async () => {
        await ask(path, { method: 'PATCH', body: { draining: !draining } });
        onDone();
      }}
    >
      <p>
        <code className="breaking">{url}</code> of <b>{service}</b>{' '}
        {draining ? 'gets its share of requests again.' : 'gets no new requests. What runs comes to its end.'}
      </p>
    </ConfirmDialog>
  );
}

function RoutesOfService({ name }: { readonly name: string }) {
  const routes = useResource<{ routes: readonly { name: string; services: readonly string[]; match: readonly string[] }[] }>(
    `/api/routes?max=100&search=${part(name)}`,
  );
  return (
    <Panel title="Routes that lead here" isFlush>
      <Shown resource={routes} rows={3}>
        {(data) => {
          const leading = data.routes.filter(({ services }) => services.includes(name));
          if (leading.length === 0) return <Empty title="No route leads here" />;
          return (
            <ul className="line-list">
              {leading.map((route) => (
                <li key={route.name}>
                  <a href={toHash(['routes', route.name])}>{route.name}</a>
                  <span className="mono quiet cut">{route.match[0]}</span>
                  {route.services.length > 1 && <Badge>{route.services.length} services</Badge>}
                </li>
              ))}
            </ul>
          );
        }}
      </Shown>
    </Panel>
  );
}
