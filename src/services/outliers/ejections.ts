/**
 * Leaves endpoints out of a service for a while, and never so many that too few are left, whichever threads decide on it at
 * once. An endpoint that comes back and is left out again stays away for longer.
 */
import type { Logger } from '#base/logger.ts';
import { type TimerWheel, WheelTimer } from '#base/timer-wheel.ts';
import type { Endpoint } from '../endpoint.ts';
import { EJECTION_MS_MAX, type EndpointBoard, EndpointFlag, EndpointWord } from '../endpoint-board.ts';
import type { OutlierSettings } from './outlier-settings.ts';

/** What a thread lends for it. */
export interface EjectionMeans {
  readonly board: EndpointBoard;
  readonly wheel: TimerWheel;
  readonly logger: Logger;
}

/** Whose endpoints they are. */
export interface EndpointGroup {
  readonly definition: { readonly name: string };
  readonly endpoints: readonly Endpoint[];
}

export interface EjectionCause {
  readonly reason: 'failures in a row' | 'share of failures' | 'slow';
  /** What it was about the endpoint, for the log. */
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Each time of this length without an ejection makes one of those before forgotten. */
const FORGIVEN_EVERY_MS = 60_000;
/** Twice as long as before so many times at most. */
const DOUBLINGS_MAX = 20;
/** Once as many are left out as may be, this thread does not look through all endpoints again for so long. */
const FLOOR_PAUSE_MS = 500;

export class Ejections {
  readonly #settings: OutlierSettings;
  readonly #means: EjectionMeans;
  readonly #group: EndpointGroup;
  #pausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(settings: OutlierSettings, group: EndpointGroup, means: EjectionMeans) {
    this.#settings = settings;
    this.#group = group;
    this.#means = means;
  }

  /** False when the endpoint stays: it is left out already, it has to serve, or another thread decides just now. */
  eject(endpoint: Endpoint, nowMs: number, cause: EjectionCause): boolean {
    const { board } = this.#means;
    if (nowMs < this.#pausedUntilMs || board.ejectedForMs(endpoint.slot, nowMs) > 0) return false;
    if (!board.beginDecision()) return false;
    let durationMs = 0;
    try {
      if (this.#mayEject(endpoint, nowMs)) durationMs = this.#ejectNow(endpoint, nowMs);
    } finally {
      board.endDecision();
    }
    if (durationMs === 0) return false;
    this.#tell(endpoint, durationMs, cause);
    return true;
  }

  #mayEject(endpoint: Endpoint, nowMs: number): boolean {
    const { board } = this.#means;
    let all = 0;
    let ejected = 0;
    let left = 0;
    for (const other of this.#group.endpoints) {
      if (other.weight === 0) continue;
      all += 1;
      if (board.ejectedForMs(other.slot, nowMs) > 0) ejected += 1;
      else if (other.slot !== endpoint.slot && !isUnavailable(board, other.slot)) left += 1;
    }
    // Another thread may just have done it.
    if (board.ejectedForMs(endpoint.slot, nowMs) > 0) return false;
    const isAllowed = left > 0 && ejected < Math.max(1, Math.floor(all * this.#settings.ejectedMax));
    if (!isAllowed) this.#pausedUntilMs = nowMs + FLOOR_PAUSE_MS;
    return isAllowed;
  }

  #ejectNow({ slot }: Endpoint, nowMs: number): number {
    const { board } = this.#means;
    const { ejectionMs, ejectionMsMax } = this.#settings;
    const countAt = board.wordAt(slot, EndpointWord.ejectionCount);
    const sinceMs = board.sinceEjectionMs(slot, nowMs) ?? Number.POSITIVE_INFINITY;
    const earlier = Math.max(0, board.words[countAt]! - Math.floor(sinceMs / FORGIVEN_EVERY_MS));
    const durationMs = Math.min(ejectionMsMax, EJECTION_MS_MAX, ejectionMs * 2 ** Math.min(earlier, DOUBLINGS_MAX));
    Atomics.store(board.words, countAt, earlier + 1);
    // What it did before says nothing of what it does when it is back.
    for (const word of windowWords) Atomics.store(board.words, board.wordAt(slot, word), 0);
    board.eject(slot, nowMs + durationMs);
    return durationMs;
  }

  #tell(endpoint: Endpoint, durationMs: number, { reason, detail }: EjectionCause): void {
    const { board, wheel, logger } = this.#means;
    const fields = { service: this.#group.definition.name, endpoint: endpoint.url };
    const ejections = board.words[board.wordAt(endpoint.slot, EndpointWord.ejectionCount)]!;
    logger.log('warn', 'endpoint ejected', { ...fields, reason, ...detail, durationMs, ejections });
    const untilAt = board.wordAt(endpoint.slot, EndpointWord.ejectedUntilTick);
    const until = board.words[untilAt]!;
    wheel.arm(
      new EjectionEnd(() => {
        // Not where it was ended before its time, or the record belongs to another endpoint.
        if (board.words[untilAt] === until) logger.log('info', 'endpoint is back', fields);
      }),
      durationMs,
    );
  }
}

const windowWords = [
  EndpointWord.failuresInARow,
  EndpointWord.windowAttempts,
  EndpointWord.windowFailures,
  EndpointWord.windowLatencyMs,
  EndpointWord.meanLatency,
];

function isUnavailable(board: EndpointBoard, slot: number): boolean {
  return board.hasFlag(slot, EndpointFlag.unhealthy) || board.hasFlag(slot, EndpointFlag.draining);
}

class EjectionEnd extends WheelTimer {
  readonly #tell: () => void;

  constructor(tell: () => void) {
    super();
    this.#tell = tell;
  }

  override onDeadline(): void {
    this.#tell();
  }
}
