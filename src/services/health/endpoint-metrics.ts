/**
 * What the control thread knows of the endpoints of services, for metrics. However many there are, only so many series are
 * made: services in their order, and of their endpoints first those that get no requests.
 */
import { limits } from '#base/limits.ts';
import { formatMetric, type Metric, type MetricValue } from '#base/metric-text.ts';
import type { EndpointLists } from '../endpoint-list.ts';
import { readExhaustedCount } from '../retry-exhaustion.ts';
import { describeHealth, type EndpointHealth, type HealthFacts } from './service-health.ts';

const serviceEndpoints: Metric = {
  name: 'gatehouse_service_endpoints',
  type: 'gauge',
  help: 'Endpoints of the service by state; one that is kept out for several reasons counts for each.',
};
const budgetExhausted: Metric = {
  name: 'gatehouse_retry_budget_exhausted_total',
  type: 'counter',
  help: 'Further attempts and hedges that were not made because the budget of the service was used up.',
};
const endpointHealthy: Metric = {
  name: 'gatehouse_endpoint_healthy',
  type: 'gauge',
  help: '0 while active checks of the endpoint fail, otherwise 1.',
};
const endpointEjected: Metric = {
  name: 'gatehouse_endpoint_ejected',
  type: 'gauge',
  help: '1 while the endpoint is left out because requests to it have failed, otherwise 0.',
};
const endpointDraining: Metric = {
  name: 'gatehouse_endpoint_draining',
  type: 'gauge',
  help: '1 while an operator lets the endpoint come to its end, otherwise 0.',
};
const omitted: Metric = {
  name: 'gatehouse_metrics_omitted',
  type: 'gauge',
  help: 'Services and endpoints that have no series here because there are too many.',
};

interface KnownEndpoint {
  readonly service: string;
  readonly health: EndpointHealth;
}

export function toEndpointMetrics(lists: EndpointLists, facts: HealthFacts): string {
  const services = describeHealth(lists, facts);
  const shownServices = services.slice(0, limits.metricServicesMax);
  const endpoints = services.flatMap(({ service, endpoints: all }) => all.map((health) => ({ service, health })));
  const shown = chooseShown(endpoints);
  const ofEndpoints = (holds: (health: EndpointHealth) => boolean): MetricValue[] =>
    shown.map(({ service, health }) => ({ labels: { service, endpoint: health.endpoint }, value: Number(holds(health)) }));
  const counts = shownServices.flatMap(({ service, endpoints: all }) =>
    Object.entries(states).map(([state, isIn]) => ({ labels: { service, state }, value: all.filter(isIn).length })),
  );
  const exhausted = shownServices.map(({ service }) => ({
    labels: { service },
    value: readExhaustedCount(facts.board, lists[service]!.slot),
  }));
  return [
    formatMetric(serviceEndpoints, counts),
    formatMetric(budgetExhausted, exhausted),
    formatMetric(
      endpointHealthy,
      ofEndpoints((health) => !states.unhealthy(health)),
    ),
    formatMetric(endpointEjected, ofEndpoints(states.ejected)),
    formatMetric(endpointDraining, ofEndpoints(states.draining)),
    formatMetric(omitted, [
      { labels: { what: 'services' }, value: services.length - shownServices.length },
      { labels: { what: 'endpoints' }, value: endpoints.length - shown.length },
    ]),
  ].join('');
}

const states = {
  available: (health: EndpointHealth) => !states.unhealthy(health) && !states.ejected(health) && !states.draining(health),
  unhealthy: ({ state }: EndpointHealth) => state === 'unhealthy',
  ejected: ({ ejectedForMs }: EndpointHealth) => ejectedForMs > 0,
  draining: ({ isDraining }: EndpointHealth) => isDraining,
} as const;

function chooseShown(endpoints: readonly KnownEndpoint[]): readonly KnownEndpoint[] {
  if (endpoints.length <= limits.metricEndpointsMax) return endpoints;
  const isAvailable = ({ health }: KnownEndpoint) => states.available(health);
  const troubled = endpoints.filter((endpoint) => !isAvailable(endpoint));
  return [...troubled, ...endpoints.filter(isAvailable)].slice(0, limits.metricEndpointsMax);
}
