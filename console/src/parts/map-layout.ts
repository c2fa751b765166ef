/** Where everything stands on the map: in three columns of rows, so that lines cross seldom. */
import type { Endpoint, RouteSummary, Service } from '../api/answers.ts';

/** In pixels. */
export const ROW_HEIGHT = 38;
/** Of one service; the rest is on its own page. */
const ENDPOINTS_SHOWN_MAX = 6;

export interface MapNode<Item> {
  readonly item: Item;
  /** From the top; halves happen. */
  readonly row: number;
}

export interface MapLink {
  readonly from: string;
  readonly to: string;
  readonly fromRow: number;
  readonly toRow: number;
}

export interface MapEndpoint {
  readonly service: string;
  readonly endpoint: Endpoint;
}

export interface ServiceMap {
  readonly rows: number;
  readonly routes: readonly MapNode<RouteSummary>[];
  readonly services: readonly MapNode<Service>[];
  readonly endpoints: readonly MapNode<MapEndpoint>[];
  readonly routeLinks: readonly MapLink[];
  readonly endpointLinks: readonly MapLink[];
}

export function layMap(routes: readonly RouteSummary[], services: readonly Service[]): ServiceMap {
  const order = orderServices(routes, services);
  const rank = new Map(order.map(({ name }, index) => [name, index]));
  const sorted = routes.toSorted((a, b) => rankOf(a, rank) - rankOf(b, rank) || (a.name < b.name ? -1 : 1));
  const right = laySide(order);
  const rows = Math.max(sorted.length, right.rows, 1);
  const shift = (rows - right.rows) / 2;
  const down = (rows - sorted.length) / 2;
  const routeNodes = sorted.map((item, index) => ({ item, row: down + index }));
  const serviceNodes = right.services.map(({ item, row }) => ({ item, row: row + shift }));
  const serviceRows = new Map(serviceNodes.map(({ item, row }) => [item.name, row]));
  const endpointNodes = right.endpoints.map(({ item, row }) => ({ item, row: row + shift }));
  return {
    rows,
    routes: routeNodes,
    services: serviceNodes,
    endpoints: endpointNodes,
    routeLinks: routeNodes.flatMap(({ item, row }) =>
      item.services.flatMap((to) => {
        const toRow = serviceRows.get(to);
        return toRow === undefined ? [] : [{ from: item.name, to, fromRow: row, toRow }];
      }),
    ),
    endpointLinks: endpointNodes.map(({ item, row }) => ({
      from: item.service,
      to: item.endpoint.id,
      fromRow: serviceRows.get(item.service)!,
      toRow: row,
    })),
  };
}

/** In the order in which routes name them. */
function orderServices(routes: readonly RouteSummary[], services: readonly Service[]): Service[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const named = [...new Set(routes.flatMap((route) => route.services))];
  return named.flatMap((name) => byName.get(name) ?? []);
}

/** A route stands where its services are on the average; those without one stand last. */
function rankOf({ services }: RouteSummary, rank: ReadonlyMap<string, number>): number {
  const ranks = services.flatMap((name) => rank.get(name) ?? []);
  return ranks.length === 0 ? Number.MAX_SAFE_INTEGER : ranks.reduce((sum, one) => sum + one, 0) / ranks.length;
}

function laySide(order: readonly Service[]) {
  const services: MapNode<Service>[] = [];
  const endpoints: MapNode<MapEndpoint>[] = [];
  let rows = 0;
  for (const service of order) {
    const shown = service.endpoints.slice(0, ENDPOINTS_SHOWN_MAX);
    const height = Math.max(1, shown.length);
    services.push({ item: service, row: rows + (height - 1) / 2 });
    for (const [index, endpoint] of shown.entries())
      endpoints.push({ item: { service: service.name, endpoint }, row: rows + index });
    rows += height;
  }
  return { services, endpoints, rows };
}
