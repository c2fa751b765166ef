/**
 * What the control thread knows of the endpoints of services, for metrics. However many there are, only so many series are
 * made: services in their order, and of their endpoints first those that get no requests.
 */
import { limits } from '#base/limits.ts';
import {
  formatMetric,
  formatMetricHead,
  formatMetricValues,
  type Metric,
  type MetricPieces,
  type MetricValue,
} from '#base/metric-text.ts';
import type { EndpointBoard } from '../endpoint-board.ts';
import type { EndpointList, EndpointLists } from '../endpoint-list.ts';
import { isCircuitOpen } from '../protection/circuit-breaker.ts';
import { readExhaustedCount } from '../retry-exhaustion.ts';
import { describeHealth, type EndpointHealth, type HealthFacts, type ServiceHealth } from './service-health.ts';

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

const circuitsOpen: Metric = {
  name: 'gatehouse_circuit_breakers_open',
  type: 'gauge',
  help: 'Circuit breakers of the service and its endpoints that are open, or only let probes through.',
};

interface KnownEndpoint {
  readonly service: string;
  readonly health: EndpointHealth;
}

/** Piece by piece, because there may be many. */
export function* writeEndpointMetrics(lists: EndpointLists, facts: HealthFacts): MetricPieces {
  const services: ServiceHealth[] = [];
  for (const [service, list] of Object.entries(lists)) {
    services.push(...describeHealth({ [service]: list }, facts));
    yield;
  }
  const shownServices = services.slice(0, limits.metricServicesMax);
  const endpoints = services.flatMap(({ service, endpoints: all }) => all.map((health) => ({ service, health })));
  const shown = chooseShown(endpoints);
  yield* writeValues(serviceEndpoints, shownServices, ({ service, endpoints: all }) =>
    Object.entries(states).map(([state, isIn]) => ({ labels: { service, state }, value: all.filter(isIn).length })),
  );
  yield* writeValues(budgetExhausted, shownServices, ({ service }) => [
    { labels: { service }, value: readExhaustedCount(facts.board, lists[service]!.slot) },
  ]);
  yield* writeValues(circuitsOpen, shownServices, ({ service }) => [
    { labels: { service }, value: countOpenCircuits(facts.board, lists[service]!) },
  ]);
  yield* writeEndpoints(endpointHealthy, shown, (health) => !states.unhealthy(health));
  yield* writeEndpoints(endpointEjected, shown, states.ejected);
  yield* writeEndpoints(endpointDraining, shown, states.draining);
  yield formatMetric(omitted, [
    { labels: { what: 'services' }, value: services.length - shownServices.length },
    { labels: { what: 'endpoints' }, value: endpoints.length - shown.length },
  ]);
}

const VALUES_PER_PIECE = 200;

function* writeValues<Item>(
  metric: Metric,
  items: readonly Item[],
  toValues: (item: Item) => readonly MetricValue[],
): MetricPieces {
  yield formatMetricHead(metric);
  for (let from = 0; from < items.length; from += VALUES_PER_PIECE)
    yield formatMetricValues(metric, items.slice(from, from + VALUES_PER_PIECE).flatMap(toValues));
}

function writeEndpoints(
  metric: Metric,
  shown: readonly KnownEndpoint[],
  holds: (health: EndpointHealth) => boolean,
): MetricPieces {
  return writeValues(metric, shown, ({ service, health }) => [
    { labels: { service, endpoint: health.endpoint }, value: Number(holds(health)) },
  ]);
}

/** The service and each of its endpoints may have one. */
function countOpenCircuits(board: EndpointBoard, { slot, records }: EndpointList): number {
  const isOpen = (at: number) => isCircuitOpen(board.words, board.wordAt(at, 0));
  return Number(isOpen(slot)) + records.filter((record) => isOpen(record.slot)).length;
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
