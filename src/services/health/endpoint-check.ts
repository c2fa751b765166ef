/** Checks one endpoint again and again: says when a check is due, and keeps what the checks say. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import type { NameResolver } from '#net/name-resolver.ts';
import { type EndpointBoard, EndpointFlag } from '../endpoint-board.ts';
import { type EndpointRecord, formatEndpointUrl } from '../endpoint-list.ts';
import { ChangeBudget } from './change-budget.ts';
import { toNextCheckMs } from './check-times.ts';
import { type CheckedService, EndpointProbe, type RunningProbe } from './endpoint-probe.ts';
import { type HealthState, HealthVerdict } from './health-verdict.ts';

/** What the control thread lends to checks. */
export interface CheckMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly board: EndpointBoard;
  readonly logger: Logger;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** Who lets checks run. */
export interface CheckTurns {
  /** Calls `run`, now or when there is room. */
  awaitTurn(check: EndpointCheck): void;
  /** The check that was let run is over, or is not going to run. */
  leaveTurn(check: EndpointCheck): void;
}

/** The last check of an endpoint. */
export interface CheckResult {
  readonly atWallMs: number;
  readonly durationMs: number;
  /** What was wrong; `undefined`: nothing. */
  readonly reason: string | undefined;
}

export class EndpointCheck extends WheelTimer {
  readonly url: string;
  readonly slot: number;
  readonly #means: CheckMeans;
  readonly #turns: CheckTurns;
  readonly #verdict = new HealthVerdict();
  readonly #budget: ChangeBudget;
  #checked: CheckedService;
  #probe: EndpointProbe;
  #running: RunningProbe | undefined = undefined;
  #startedMs = 0;
  #isFirst = true;
  last: CheckResult | undefined = undefined;

  constructor(
    record: EndpointRecord,
    checked: CheckedService,
    own: { resolver: NameResolver; means: CheckMeans; turns: CheckTurns },
  ) {
    super();
    this.url = formatEndpointUrl(record.url);
    this.slot = record.slot;
    this.#checked = checked;
    this.#means = own.means;
    this.#turns = own.turns;
    this.#budget = new ChangeBudget(own.means.clock.monotonicMs());
    this.#probe = new EndpointProbe(record.url, checked, own.resolver);
    own.turns.awaitTurn(this);
  }

  get state(): HealthState {
    return this.#verdict.state;
  }

  /** Checks in another way from now on. The state stays until the next check, which follows at once. */
  replace(record: EndpointRecord, checked: CheckedService, resolver: NameResolver): void {
    this.#probe = new EndpointProbe(record.url, checked, resolver);
    this.#checked = checked;
    this.#verdict.reopen();
    this.#stopRunning();
    this.#isFirst = true;
    this.#turns.awaitTurn(this);
  }

  /** The endpoint is not checked any more, and nothing is held against it. */
  stop(): void {
    this.#stopRunning();
    this.#means.board.setFlag(this.slot, EndpointFlag.unhealthy, false);
  }

  /** Its turn has come. */
  run(): void {
    const { clock, wheel } = this.#means;
    const running = this.#probe.start();
    this.#running = running;
    this.#startedMs = clock.monotonicMs();
    wheel.arm(this, this.#checked.settings.timeoutMs);
    void running.failure.then((failure) => {
      if (this.#running === running) this.#finish(failure);
    });
  }

  override onDeadline(): void {
    if (this.#running === undefined) return this.#turns.awaitTurn(this);
    const running = this.#running;
    this.#finish(`no answer within ${this.#checked.settings.timeoutMs} ms`);
    running.cancel();
  }

  #stopRunning(): void {
    const running = this.#running;
    this.#running = undefined;
    this.#means.wheel.remove(this);
    this.#turns.leaveTurn(this);
    running?.cancel();
  }

  #finish(reason: string | undefined): void {
    const { clock, wheel, random } = this.#means;
    const nowMs = clock.monotonicMs();
    this.#running = undefined;
    this.#turns.leaveTurn(this);
    this.last = { atWallMs: clock.wallMs(), durationMs: nowMs - this.#startedMs, reason };
    const before = this.state;
    if (this.#verdict.add(reason === undefined, this.#checked.settings)) this.#change(before);
    this.#tell(nowMs, reason);
    const nextMs = toNextCheckMs(this.#checked.settings.everyMs, { isFirst: this.#isFirst, random: random() });
    this.#isFirst = false;
    wheel.arm(this, Math.max(0, this.#startedMs + nextMs - nowMs));
  }

  #change(before: HealthState): void {
    const { board } = this.#means;
    board.setFlag(this.slot, EndpointFlag.unhealthy, this.state === 'unhealthy');
    // Whoever is seen to have recovered need not sit out what it was ejected for.
    if (before === 'unhealthy') board.readmit(this.slot);
    // That all is well is expected of whoever is checked first.
    if (before === 'unhealthy' || this.state === 'unhealthy') this.#budget.addChange();
  }

  /** Tells of a change as soon as there may be a line for it. */
  #tell(nowMs: number, reason: string | undefined): void {
    const changes = this.#budget.take(nowMs);
    if (changes === 0) return;
    const { logger } = this.#means;
    const fields = { service: this.#checked.service.name, endpoint: this.url, ...(changes > 1 && { changes }) };
    if (this.state === 'healthy') logger.log('info', 'endpoint is healthy', fields);
    else logger.log('warn', 'endpoint is unhealthy', { ...fields, reason });
  }
}
