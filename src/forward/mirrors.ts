/**
 * The copies of requests that one thread has under way to other services. How many there may be is bounded, and what becomes
 * of them matters to nobody but the log, which hears of those that were lost every few seconds at most.
 */
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import type { Exchange } from '#http/exchange.ts';
import { tapExchange } from '#http/exchange-tap.ts';
import type { AnswerComparison, AnswerComparisonOutcome, ComparisonOrder } from '#pipeline/comparison/answer-comparison.ts';
import { comparisonLibrary } from '#pipeline/comparison/comparison-library.ts';
import type { MirrorOrder } from '#pipeline/mirror-order.ts';
import type { RoutePlan } from '#pipeline/plan.ts';
import { MIRROR_FIELD, MirrorCopy, type MirrorLoss, type MirrorOwner, type MirrorTarget } from './mirror-copy.ts';

const TOLD_EVERY_MS = 5_000;

export interface MirrorMeans {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
  /** The answer to a copy was compared, or was to be. */
  onCompared?(outcome: AnswerComparisonOutcome): void;
}

export class Mirrors extends WheelTimer implements MirrorOwner {
  readonly #means: MirrorMeans;
  readonly #running = new Set<MirrorCopy>();
  #comparingCount = 0;
  /** Since the log was told last. */
  #lost: Record<MirrorLoss, number> | undefined = undefined;

  constructor(means: MirrorMeans) {
    super();
    this.#means = means;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** A copy that takes the body and is then sent; `undefined`: there is none. */
  begin(exchange: Exchange, plan: RoutePlan, target: MirrorTarget): MirrorCopy | undefined {
    const { request } = exchange;
    // A copy is not copied again, so that gateways in a row do not send each other the same request for ever. A connection
    // that changes its protocol has no answer that could be thrown away.
    if (request.upgrade !== undefined || exchange.field(MIRROR_FIELD) !== undefined) return undefined;
    if (request.contentLengthBytes > target.order.bodyBytesMax) this.#lose('tooLarge');
    else if (this.#running.size >= limits.mirroredRequestsMax) this.#lose('tooMany');
    else {
      const comparison = target.order.compare && this.#compare(exchange, target.order, target.order.compare);
      const copy = new MirrorCopy(exchange, plan, target, { clock: this.#means.clock, owner: this, comparison });
      this.#running.add(copy);
      this.#means.wheel.arm(copy, target.order.timeoutMs);
      return copy;
    }
    return undefined;
  }

  /** Called by copies, once each. */
  onCopyEnded(copy: MirrorCopy, loss: MirrorLoss | undefined): void {
    this.#running.delete(copy);
    this.#means.wheel.remove(copy);
    if (loss !== undefined) this.#lose(loss);
  }

  override onDeadline(): void {
    this.#tell();
  }

  /** Leaves all copies. */
  close(): void {
    for (const copy of [...this.#running]) copy.leave();
    this.#means.wheel.remove(this);
    this.#tell();
  }

  /** `undefined`: too many are under way. */
  #compare(exchange: Exchange, { service }: MirrorOrder, order: ComparisonOrder): AnswerComparison | undefined {
    if (this.#comparingCount >= limits.comparisonsAtOnceMax) {
      const { plan, requestId: id, request, shownTarget } = exchange;
      const { method, target } = request;
      const asked = { id, method, target: shownTarget ?? target };
      this.#means.onCompared?.({ route: plan?.routeName, service, result: 'skipped', differences: [], ...asked });
      return undefined;
    }
    this.#comparingCount += 1;
    const comparison = new comparisonLibrary.module.AnswerComparison(exchange, service, order, (outcome) => {
      this.#comparingCount -= 1;
      this.#means.onCompared?.(outcome);
    });
    tapExchange(exchange, comparison);
    exchange.attach(comparison);
    return comparison;
  }

  #lose(loss: MirrorLoss): void {
    if (this.#lost === undefined) {
      this.#lost = { tooMany: 0, tooLarge: 0, refused: 0, failed: 0, timeout: 0 };
      this.#means.wheel.arm(this, TOLD_EVERY_MS);
    }
    this.#lost[loss] += 1;
  }

  #tell(): void {
    const lost = this.#lost;
    if (lost === undefined) return;
    this.#lost = undefined;
    this.#means.logger.log('warn', 'mirrored requests lost', lost);
  }
}
