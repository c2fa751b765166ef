import type { RandomSource } from '#base/random.ts';
import type { Balancer, OutcomeAt } from './balancer.ts';
import type { Member } from './member.ts';
import { MemberLottery } from './member-lottery.ts';

/** After this long without being seen, what was seen counts a third: so an endpoint that was slow is tried again. */
const DECAY_MS = 10_000;
/** What a new answer adds to the time that is typical for the service. */
const TYPICAL_SHARE = 0.05;
/** The second of two must be so much cheaper: less is noise, and must not undo weights. */
const CHEAPER_BY = 0.8;
/** A failure counts as an answer that took twice as long as others there, up to this. */
const FAILURE_MS_MAX = 5_000;

/** How long one endpoint takes to answer. It rises with a slow answer at once, and falls slowly. */
class Latency {
  #peakMs = -1;
  #seenMs = 0;

  /** `typicalMs` for one about which nothing is known. */
  at(nowMs: number, typicalMs: number): number {
    if (this.#peakMs < 0) return typicalMs;
    return this.#peakMs * fadeOver(nowMs - this.#seenMs);
  }

  see(latencyMs: number, nowMs: number): void {
    const fade = fadeOver(nowMs - this.#seenMs);
    const faded = this.#peakMs * fade;
    this.#peakMs = this.#peakMs < 0 || latencyMs > faded ? latencyMs : faded + latencyMs * (1 - fade);
    this.#seenMs = nowMs;
  }
}

/** How much of something is left after a while. */
function fadeOver(elapsedMs: number): number {
  return elapsedMs <= 0 ? 1 : Math.exp(-elapsedMs / DECAY_MS);
}

/**
 * Draws two endpoints by their shares and takes the one that will probably answer sooner: the time that it took lately, most
 * of all when it was slow, times what runs there already. About a new one it assumes what is typical for the service.
 */
export class PeakEwma<Item extends Member> implements Balancer<Item> {
  readonly observer = this;
  readonly #lottery: MemberLottery<Item>;
  #latencies = new Map<Item, Latency>();
  #meanShare = 1;
  /** Any number does as long as nothing is known: then what runs decides. */
  #typicalMs = 1;
  #hasSeen = false;

  constructor(random: RandomSource) {
    this.#lottery = new MemberLottery(random);
  }

  setMembers(members: readonly Item[]): void {
    this.#lottery.setMembers(members);
    this.#latencies = new Map(members.map((member) => [member, this.#latencies.get(member) ?? new Latency()]));
    this.#meanShare = members.reduce((sum, { share }) => sum + share, 0) / members.length;
  }

  pick(_subject: unknown, nowMs: number): Item {
    const { members } = this.#lottery;
    if (members.length === 1) return members[0]!;
    const at = this.#lottery.draw();
    const first = members[at]!;
    const second = members[this.#lottery.drawOther(at)]!;
    return this.#estimate(second, nowMs) < CHEAPER_BY * this.#estimate(first, nowMs) ? second : first;
  }

  onAttemptEnded(outcome: OutcomeAt<Item>): void {
    const { endpoint, startedMs, headMs, endedMs, status, error, isCancelled } = outcome;
    const latency = this.#latencies.get(endpoint);
    if (latency === undefined) return;
    const tookMs = (headMs === 0 ? endedMs : headMs) - startedMs;
    const knownMs = latency.at(endedMs, this.#typicalMs);
    if (error !== undefined || status >= 500) {
      // An endpoint that refuses is quick about it, and would otherwise be given everything.
      latency.see(Math.max(tookMs, Math.min(2 * knownMs, FAILURE_MS_MAX)), endedMs);
    } else if (headMs !== 0) {
      latency.see(tookMs, endedMs);
      this.#typicalMs = this.#hasSeen ? this.#typicalMs + TYPICAL_SHARE * (tookMs - this.#typicalMs) : tookMs;
      this.#hasSeen = true;
    } else if (isCancelled && tookMs > knownMs) latency.see(tookMs, endedMs);
  }

  #estimate(member: Item, nowMs: number): number {
    const latencyMs = this.#latencies.get(member)!.at(nowMs, this.#typicalMs);
    return latencyMs * (1 + (member.active * this.#meanShare) / member.share);
  }
}
