/** Services that watch for outliers, and outcomes of attempts as a test makes them up. */
import type { LogFields, LogLevel } from '#base/logger.ts';
import { TimerWheel } from '#base/timer-wheel.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import type { AttemptOutcome } from '#services/attempt-outcome.ts';
import type { OutlierSettings } from '#services/outliers/outlier-settings.ts';
import type { Service } from '#services/service.ts';
import { createServiceMeans, createTestService, type TestServiceMeans } from './services.ts';

/** As a configuration has them that says nothing of outliers. */
const usualOutliers: OutlierSettings = {
  consecutiveFailures: 5,
  statuses: [502, 503, 504],
  windowMs: 10_000,
  minRequests: 20,
  failureRate: undefined,
  latency: undefined,
  ejectionMs: 10_000,
  ejectionMsMax: 300_000,
  ejectedMax: 0.5,
};

type Told = Partial<Omit<AttemptOutcome, 'endpoint'>> & { readonly tookMs?: number };

export const unreachable: Told = { error: upstreamErrors.unreachable() };
export const success: Told = { status: 200 };

export class WatchedService {
  readonly service: Service;
  readonly means: TestServiceMeans;
  readonly events: { level: LogLevel; message: string; fields: LogFields | undefined }[] = [];

  /** On a thread of its own; threads that are told of the same `shared` means have one board and one time. */
  constructor(urls: readonly string[], outliers: Partial<OutlierSettings> = {}, shared: TestServiceMeans = createServiceMeans()) {
    const logger = {
      log: (level: LogLevel, message: string, fields?: LogFields) => void this.events.push({ level, message, fields }),
    };
    this.means = { ...shared, wheel: new TimerWheel(shared.clock), logger };
    this.service = createTestService(urls, { outliers: { ...usualOutliers, ...outliers } }, this.means);
  }

  /** The same thing happens to so many attempts at an endpoint; each took `tookMs`, and ends now. */
  tell(index: number, { tookMs = 1, ...told }: Told, times = 1): void {
    const nowMs = this.means.clock.monotonicMs();
    for (let i = 0; i < times; i++) {
      this.service.onAttemptEnded({
        endpoint: this.service.endpoints[index]!,
        startedMs: nowMs - tookMs,
        headMs: told.error === undefined ? nowMs : 0,
        endedMs: nowMs,
        status: 0,
        error: undefined,
        isCancelled: false,
        ...told,
      });
    }
  }

  advance(ms: number): void {
    this.means.clock.advance(ms);
    this.means.wheel.advance();
  }

  /** How long each endpoint is still left out, in seconds. */
  get ejectedSeconds(): number[] {
    const { board, clock } = this.means;
    return this.service.endpoints.map(({ slot }) => Math.round(board.ejectedForMs(slot, clock.monotonicMs()) / 1_000));
  }
}
