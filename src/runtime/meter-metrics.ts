/** Which metrics are made of what threads have counted. */
import { bucketEndsMs } from '#base/duration-buckets.ts';
import type { SeriesFamily } from '#base/meter.ts';
import type { Metric } from '#base/metric-text.ts';
import { EndpointCell, endpointFamily, endpointOutcomes, ServiceCell, serviceFamily } from '#services/service-meter.ts';
import { ListenerCell, listenerFamily } from './connection-meter.ts';
import { errorFamily, inFlightFamily, RouteCell, requestFamily, routeFamily } from './request-meter.ts';
import { SIZE_BUCKET_COUNT, sizeBucketEndsBytes } from './size-buckets.ts';
import { ThreadCell, threadFamily } from './thread-gauges.ts';

/** One number of a series, with what tells it from the others of the metric. */
export interface MeteredValue {
  readonly cell: number;
  /** As it stands between the braces. */
  readonly label?: string;
  /** What a number of the memory is multiplied by. */
  readonly factor?: number;
  /** Left out where it is 0: there are many of them, and few series have them all. */
  readonly onlyCounted?: boolean;
}

export interface MeteredBucket {
  readonly le: string;
  /** The first cell that does not belong to it any more. */
  readonly cellEnd: number;
}

export interface MeteredHistogram {
  readonly firstCell: number;
  readonly sumCell: number;
  readonly buckets: readonly MeteredBucket[];
}

export type MeteredMetric = Metric & { readonly family: SeriesFamily } & (
    | { readonly values: readonly MeteredValue[] }
    | { readonly histogram: MeteredHistogram }
  );

/** What metrics tell of durations: enough for alarms, and few enough for many routes. Each is the end of one of the finer buckets. */
export const shownEndsMs = [1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000] as const;
const MS_PER_SECOND = 1_000;

function durations(firstCell: number, sumCell: number, count: number): MeteredHistogram {
  const shown = shownEndsMs.map((endMs) => ({
    le: String(endMs / MS_PER_SECOND),
    cellEnd: firstCell + bucketEndsMs.indexOf(endMs) + 1,
  }));
  return { firstCell, sumCell, buckets: [...shown, { le: '+Inf', cellEnd: firstCell + count }] };
}

function sizes(firstCell: number): MeteredHistogram {
  const shown = sizeBucketEndsBytes.map((end, i) => ({ le: String(end), cellEnd: firstCell + i + 1 }));
  const sumCell = firstCell + SIZE_BUCKET_COUNT;
  return { firstCell, sumCell, buckets: [...shown, { le: '+Inf', cellEnd: sumCell }] };
}

const durationBucketCount = bucketEndsMs.length + 1;

export const meteredMetrics: readonly MeteredMetric[] = [
  {
    name: 'gatehouse_requests_total',
    type: 'counter',
    help: 'Requests that are over, by the status of their answer; 499 where the client was gone before there was one.',
    family: requestFamily,
    values: [{ cell: 0 }],
  },
  {
    name: 'gatehouse_request_duration_seconds',
    type: 'histogram',
    help: 'From the head of a request to the end of its answer; without connections that became tunnels.',
    family: routeFamily,
    histogram: durations(RouteCell.buckets, RouteCell.seconds, durationBucketCount),
  },
  {
    name: 'gatehouse_request_body_bytes_total',
    type: 'counter',
    help: 'Bytes of the bodies of requests.',
    family: routeFamily,
    values: [{ cell: RouteCell.requestBytes }],
  },
  {
    name: 'gatehouse_response_body_bytes_total',
    type: 'counter',
    help: 'Bytes of the bodies of answers.',
    family: routeFamily,
    values: [{ cell: RouteCell.responseBytes }],
  },
  {
    name: 'gatehouse_further_attempts_total',
    type: 'counter',
    help: 'Attempts behind the first one of a request: retries, hedges and those at a fallback.',
    family: routeFamily,
    values: [{ cell: RouteCell.furtherAttempts, onlyCounted: true }],
  },
  {
    name: 'gatehouse_tunnels_total',
    type: 'counter',
    help: 'Requests whose connection became a tunnel, such as WebSockets, and is over.',
    family: routeFamily,
    values: [{ cell: RouteCell.tunnels, onlyCounted: true }],
  },
  {
    name: 'gatehouse_requests_in_flight',
    type: 'gauge',
    help: 'Requests that have a route and are not over.',
    family: inFlightFamily,
    values: [{ cell: 0 }],
  },
  {
    name: 'gatehouse_errors_total',
    type: 'counter',
    help: 'Requests that ended with an error of the gateway, by its code.',
    family: errorFamily,
    values: [{ cell: 0 }],
  },
  {
    name: 'gatehouse_upstream_duration_seconds',
    type: 'histogram',
    help: 'From the beginning of an attempt to the head of its answer, the wait for a connection included.',
    family: serviceFamily,
    histogram: durations(ServiceCell.buckets, ServiceCell.seconds, durationBucketCount),
  },
  {
    name: 'gatehouse_upstream_connection_uses_total',
    type: 'counter',
    help: 'Attempts by whether they had a connection that was used before.',
    family: serviceFamily,
    values: [
      { cell: ServiceCell.newConnections, label: 'connection="new"' },
      { cell: ServiceCell.reusedConnections, label: 'connection="used"' },
    ],
  },
  {
    name: 'gatehouse_service_requests_running',
    type: 'gauge',
    help: 'Attempts that are under way at the service.',
    family: serviceFamily,
    values: [{ cell: ServiceCell.running }],
  },
  {
    name: 'gatehouse_service_requests_waiting',
    type: 'gauge',
    help: 'Requests that wait for a connection to the service, or for their turn.',
    family: serviceFamily,
    values: [{ cell: ServiceCell.waiting }],
  },
  {
    name: 'gatehouse_service_connections',
    type: 'gauge',
    help: 'Connections to the endpoints of the service, busy and idle.',
    family: serviceFamily,
    values: [{ cell: ServiceCell.connections }],
  },
  {
    name: 'gatehouse_endpoint_attempts_total',
    type: 'counter',
    help: 'Attempts at the endpoint that are over, by how they ended.',
    family: endpointFamily,
    values: endpointOutcomes.map((outcome, cell) => ({ cell, label: `outcome="${outcome}"`, onlyCounted: true })),
  },
  {
    name: 'gatehouse_endpoint_attempts_running',
    type: 'gauge',
    help: 'Attempts that are under way at the endpoint.',
    family: endpointFamily,
    values: [{ cell: EndpointCell.running }],
  },
  {
    name: 'gatehouse_endpoint_connections',
    type: 'gauge',
    help: 'Connections to the endpoint, busy and idle.',
    family: endpointFamily,
    values: [{ cell: EndpointCell.connections }],
  },
  {
    name: 'gatehouse_connections',
    type: 'gauge',
    help: 'Connections of clients, behind their handshake.',
    family: listenerFamily,
    values: [{ cell: ListenerCell.connections }],
  },
  {
    name: 'gatehouse_connections_accepted_total',
    type: 'counter',
    help: 'Connections of clients, by what they speak; bytes where they are passed on without being read.',
    family: listenerFamily,
    values: (['http1', 'http2', 'bytes'] as const).map((protocol) => ({
      cell: ListenerCell[protocol],
      label: `protocol="${protocol}"`,
    })),
  },
  {
    name: 'gatehouse_connections_refused_total',
    type: 'counter',
    help: 'Connections that were closed at once: there were as many as the listener or the client may have, or a PROXY header was wrong.',
    family: listenerFamily,
    values: [
      { cell: ListenerCell.refusedByListener, label: 'reason="listener"' },
      { cell: ListenerCell.refusedByAddress, label: 'reason="client-address"' },
      { cell: ListenerCell.refusedProxyHeaders, label: 'reason="proxy-header"' },
    ],
  },
  {
    name: 'gatehouse_tls_handshakes_total',
    type: 'counter',
    help: 'Handshakes of clients that went well, by version and by whether an earlier session was resumed.',
    family: listenerFamily,
    values: [
      { cell: ListenerCell.newTls13, label: 'version="1.3",resumed="false"', onlyCounted: true },
      { cell: ListenerCell.resumedTls13, label: 'version="1.3",resumed="true"', onlyCounted: true },
      { cell: ListenerCell.newTls12, label: 'version="1.2",resumed="false"', onlyCounted: true },
      { cell: ListenerCell.resumedTls12, label: 'version="1.2",resumed="true"', onlyCounted: true },
    ],
  },
  {
    name: 'gatehouse_tls_handshake_failures_total',
    type: 'counter',
    help: 'Handshakes of clients that did not come to their end; the log says why.',
    family: listenerFamily,
    values: [{ cell: ListenerCell.failedHandshakes }],
  },
  {
    name: 'gatehouse_tls_handshakes_running',
    type: 'gauge',
    help: 'Connections of clients that are in their handshake, or before it.',
    family: listenerFamily,
    values: [{ cell: ListenerCell.handshakes }],
  },
  {
    name: 'gatehouse_certificate_challenges_total',
    type: 'counter',
    help: 'Challenges that authorities of certificates have asked for in a handshake.',
    family: listenerFamily,
    values: [{ cell: ListenerCell.challenges, onlyCounted: true }],
  },
  {
    name: 'gatehouse_request_size_bytes',
    type: 'histogram',
    help: 'Bodies of requests by their size.',
    family: listenerFamily,
    histogram: sizes(ListenerCell.requestSizes),
  },
  {
    name: 'gatehouse_response_size_bytes',
    type: 'histogram',
    help: 'Bodies of answers by their size.',
    family: listenerFamily,
    histogram: sizes(ListenerCell.responseSizes),
  },
  {
    name: 'gatehouse_event_loop_delay_seconds',
    type: 'gauge',
    help: 'How late the event loop of a thread was in the last second.',
    family: threadFamily,
    values: [
      { cell: ThreadCell.delayP50Ms, label: 'kind="median"', factor: 1 / MS_PER_SECOND },
      { cell: ThreadCell.delayP99Ms, label: 'kind="p99"', factor: 1 / MS_PER_SECOND },
      { cell: ThreadCell.delayMaxMs, label: 'kind="max"', factor: 1 / MS_PER_SECOND },
    ],
  },
  {
    name: 'gatehouse_event_loop_utilization_ratio',
    type: 'gauge',
    help: 'How much of the last second a thread was busy.',
    family: threadFamily,
    values: [{ cell: ThreadCell.utilization }],
  },
  {
    name: 'gatehouse_thread_heap_bytes',
    type: 'gauge',
    help: 'Memory of the objects of a thread, and what they hold outside.',
    family: threadFamily,
    values: [
      { cell: ThreadCell.heapUsedBytes, label: 'kind="used"' },
      { cell: ThreadCell.heapTotalBytes, label: 'kind="total"' },
      { cell: ThreadCell.externalBytes, label: 'kind="external"' },
    ],
  },
  {
    name: 'gatehouse_thread_cpu_seconds_total',
    type: 'counter',
    help: 'Processor time of a thread.',
    family: threadFamily,
    values: [{ cell: ThreadCell.cpuSeconds }],
  },
  {
    name: 'gatehouse_thread_connections',
    type: 'gauge',
    help: 'Connections of clients that a thread has.',
    family: threadFamily,
    values: [{ cell: ThreadCell.connections }],
  },
];
