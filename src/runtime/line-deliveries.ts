/** What lines are sent with, as configurations come and go: what both have stays open, and what is gone sends what it has. */
import type { LineDelivery } from '#telemetry/delivery/line-delivery.ts';
import type { LossReport } from '#telemetry/loss-report.ts';

/** What a reload takes away has so long to send what it has. */
const RETIRED_MS = 10_000;
/** Who has used up all the time of a shutdown has still so much. */
const LAST_WORDS_MS = 1_000;

export interface LinePlace {
  /** With its secrets: where these change it is made anew. */
  readonly definition: string;
  /** As threads name it. */
  readonly target: string;
  open(): Promise<OpenedLines>;
}

export interface OpenedLines {
  readonly delivery: LineDelivery;
  /** What it has lost: the rest of that is told at its end. */
  readonly losses: LossReport;
}

type OpenDelivery = OpenedLines & Pick<LinePlace, 'definition' | 'target'>;

export class LineDeliveries {
  #open: readonly OpenDelivery[] = [];
  /** Those of the configuration that is being applied. */
  #prepared: readonly OpenDelivery[] = [];
  readonly #retiring = new Map<OpenedLines, Promise<void>>();

  /** `commit` or `abandon` follows. Resolves when lines can be taken. */
  async prepare(places: readonly LinePlace[]): Promise<void> {
    const prepared: OpenDelivery[] = [];
    for (const { definition, target, open } of places) {
      if (prepared.some((other) => other.definition === definition)) continue;
      const present = this.#open.find((other) => other.definition === definition);
      prepared.push(present ?? { definition, target, ...(await open()) });
    }
    this.#prepared = prepared;
  }

  commit(): void {
    const gone = this.#open.filter((one) => !this.#prepared.includes(one));
    this.#open = this.#prepared;
    for (const one of gone) this.#retire(one, RETIRED_MS);
  }

  abandon(): void {
    const made = this.#prepared.filter((one) => !this.#open.includes(one));
    this.#prepared = this.#open;
    for (const one of made) this.#retire(one, 0);
  }

  find(target: string): LineDelivery | undefined {
    return [...this.#prepared, ...this.#open].find((one) => one.target === target)?.delivery;
  }

  /** Sends what there is. `leftMs`: what is left of the time for that; `undefined`: next to none. */
  async end(leftMs?: number): Promise<void> {
    const open = this.#open;
    this.#open = [];
    this.#prepared = [];
    for (const one of open) this.#retire(one, leftMs === undefined ? 0 : Math.max(leftMs, LAST_WORDS_MS));
    await Promise.all(this.#retiring.values());
  }

  /** The process ends now. */
  abort(): void {
    for (const { delivery, losses } of [...this.#open, ...this.#retiring.keys()]) {
      delivery.abort();
      losses.end();
    }
  }

  /** It sends what it has, for so long. */
  #retire(one: OpenedLines, patienceMs: number): void {
    const { delivery, losses } = one;
    // The process lives until then.
    const timer = setTimeout(() => delivery.abort(), patienceMs);
    const retired = delivery.finish().then(() => {
      clearTimeout(timer);
      losses.end();
      this.#retiring.delete(one);
    });
    this.#retiring.set(one, retired);
  }
}
