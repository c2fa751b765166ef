/** What a source of endpoints is lent, with a clock that the test moves, and what came of it. */
import type { TestContext } from 'node:test';
import { TimerWheel } from '#base/timer-wheel.ts';
import { formatEndpointUrl } from '#services/endpoint-list.ts';
import type { EndpointSource, EndpointSourceMeans, EndpointTarget } from '#services/endpoint-source.ts';
import { eventually } from './eventually.ts';
import { FakeClock } from './fake-clock.ts';
import type { LoggedEvent } from './test-gateway.ts';

export interface SourceBench<Source extends EndpointSource> {
  readonly source: Source;
  readonly events: LoggedEvent[];
  /** How often endpoints were told. */
  readonly told: number;
  /** How often it was said that the source was asked in vain. */
  readonly failures: number;
  /** `weight URL` of each endpoint that was told last, sorted; with a priority above 0, `weight URL (priority)`. */
  readonly endpoints: readonly string[];
  /** Moves the clock in steps of the wheel. */
  pass(ms: number): void;
  /** Waits until this is what was told last. */
  until(...endpoints: readonly string[]): Promise<void>;
}

function toText({ url, weight, priority = 0 }: EndpointTarget): string {
  return `${weight} ${formatEndpointUrl(url)}${priority === 0 ? '' : ` (${priority})`}`;
}

export function startSource<Source extends EndpointSource>(
  t: TestContext,
  create: (means: EndpointSourceMeans) => Source,
): SourceBench<Source> {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const events: LoggedEvent[] = [];
  let told = 0;
  let failures = 0;
  let endpoints: readonly string[] = [];
  const source = create({
    clock,
    wheel,
    logger: { log: (level, message, fields) => void events.push({ level, message, fields }) },
    random: () => 1,
    service: 'orders',
    onFailed() {
      failures += 1;
    },
    onEndpoints(found) {
      told += 1;
      endpoints = found.map(toText).sort();
    },
  });
  t.after(() => source.stop());
  source.start();
  return {
    source,
    events,
    get told() {
      return told;
    },
    get failures() {
      return failures;
    },
    get endpoints() {
      return endpoints;
    },
    pass(ms) {
      for (let passedMs = 0; passedMs < ms; passedMs += wheel.tickMs) {
        clock.advance(Math.min(wheel.tickMs, ms - passedMs));
        wheel.advance();
      }
    },
    until: (...expected) => eventually(() => told > 0 && endpoints.join() === expected.join(), `there is ${expected.join()}`),
  };
}
