/** Everything that threads count in memory of their own. */
import type { SeriesFamily } from '#base/meter.ts';
import { endpointFamily, serviceFamily } from '#services/service-meter.ts';
import { listenerFamily } from './connection-meter.ts';
import { errorFamily, inFlightFamily, requestFamily, routeFamily } from './request-meter.ts';
import { threadFamily } from './thread-gauges.ts';

export const meterFamilies: readonly SeriesFamily[] = [
  routeFamily,
  requestFamily,
  inFlightFamily,
  errorFamily,
  serviceFamily,
  endpointFamily,
  listenerFamily,
  threadFamily,
];
