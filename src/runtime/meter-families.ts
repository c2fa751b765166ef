/** Everything that threads count in memory of their own. */
import type { SeriesFamily } from '#base/meter.ts';
import { inFlightFamily, requestFamily, routeFamily } from './request-meter.ts';
import { threadFamily } from './thread-gauges.ts';

export const meterFamilies: readonly SeriesFamily[] = [routeFamily, requestFamily, inFlightFamily, threadFamily];
