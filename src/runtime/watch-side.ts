/** Exchanges that somebody watches, as the threads tell of them: explained, tapped, or kept because they have failed. */
import { adminErrors } from '#admin/admin-errors.ts';
import type {
  ExchangeAdministration,
  ExplainableRequest,
  ExplainedDocument,
  Tap,
  TapOptions,
  TapTaker,
} from '#admin/exchange-administration.ts';
import type { GatewayError } from '#base/errors.ts';
import type { ExchangeRecord } from '#http/exchange-record.ts';
import type { Explainer, ExplainerOptions } from './explainer.ts';
import { FailedExchanges } from './failed-exchanges.ts';
import type { Observed, ObservingOrder } from './observing-messages.ts';
import type { ExchangeSeen, OrderedTap } from './watching-messages.ts';

/** Exchanges that were asked to be explained and are still to be had. */
const KEPT_MAX = 200;
const TAPS_MAX = 32;

export interface WatchSideOptions extends ExplainerOptions {
  /** Tells all threads. */
  observe(order: ObservingOrder): void;
}

interface RunningTap {
  readonly ordered: OrderedTap;
  readonly taker: TapTaker;
}

export class WatchSide implements ExchangeAdministration {
  readonly #options: WatchSideOptions;
  readonly #failures = new FailedExchanges();
  /** Oldest first. */
  readonly #kept = new Map<string, ExchangeSeen>();
  readonly #taps = new Map<number, RunningTap>();
  #lastTapId = 0;
  #explainer: Explainer | undefined;

  constructor(options: WatchSideOptions) {
    this.#options = options;
  }

  /** From one of the threads. */
  onObserved(observed: Observed): void {
    if (observed.kind === 'tap-dropped') {
      for (const [id, count] of observed.counts) this.#taps.get(id)?.taker.onDropped(count);
    } else if (observed.kind === 'exchange') this.#onSeen(observed);
  }

  // From operators

  async explain({ client, ...request }: ExplainableRequest): Promise<ExplainedDocument | GatewayError> {
    const headers = request.headers.map(([name, value]): [string, string] => [name.toLowerCase(), value]);
    const method = request.method.toUpperCase();
    const explainer = await this.#loadExplainer();
    const explanation = await explainer.explain({ ...request, method, headers, clientAddress: client });
    if (typeof explanation === 'object') return { ...explanation };
    return adminErrors.unexplainable(undefined, { publicDetail: explanation });
  }

  async explained(id: string): Promise<ExplainedDocument | GatewayError> {
    const seen = this.#kept.get(id) ?? this.#failures.find(id);
    if (seen !== undefined) return (await this.#loadExplainer()).explainSeen(seen);
    return adminErrors.noExchange();
  }

  listErrors(route: string | undefined): readonly ExchangeRecord[] {
    return this.#failures.list(route).map(({ record }) => record);
  }

  tap({ filter, explains }: TapOptions, taker: TapTaker): Tap | undefined {
    if (this.#taps.size >= TAPS_MAX) return undefined;
    const id = ++this.#lastTapId;
    this.#taps.set(id, { ordered: { id, filter, explains }, taker });
    this.#orderTaps();
    return {
      leave: () => {
        if (this.#taps.delete(id)) this.#orderTaps();
      },
    };
  }

  /** Everything is closed. */
  stop(): void {
    const taps = [...this.#taps.values()];
    this.#taps.clear();
    if (taps.length > 0) this.#orderTaps();
    for (const { taker } of taps) taker.onEnd();
    this.#explainer?.close();
  }

  // Inside

  #onSeen(seen: ExchangeSeen): void {
    if (seen.hasFailed) this.#failures.add(seen);
    if (seen.isKept) this.#keep(seen);
    if (seen.documentId !== undefined) void this.#tellClient(seen.documentId, seen);
    for (const id of seen.taps) {
      const tap = this.#taps.get(id);
      if (tap === undefined) continue;
      if (tap.ordered.explains) void this.#tellExplained(id, seen);
      else tap.taker.onExchange(seen.record);
    }
  }

  #keep(seen: ExchangeSeen): void {
    this.#kept.set(seen.record.id, seen);
    if (this.#kept.size <= KEPT_MAX) return;
    for (const oldest of this.#kept.keys()) return void this.#kept.delete(oldest);
  }

  async #tellExplained(id: number, seen: ExchangeSeen): Promise<void> {
    const document = await (await this.#loadExplainer()).explainSeen(seen);
    // Who tapped may have left meanwhile.
    this.#taps.get(id)?.taker.onExchange(document);
  }

  async #tellClient(id: string, seen: ExchangeSeen): Promise<void> {
    const document = await (await this.#loadExplainer()).explainSeen(seen);
    this.#options.observe({ kind: 'debug-document', id, text: `${JSON.stringify(document, undefined, 2)}\n` });
  }

  #orderTaps(): void {
    const taps = [...this.#taps.values()].map(({ ordered }) => ordered);
    this.#options.observe({ kind: 'tap', taps });
  }

  /** Most gateways explain nothing: its code is loaded when it is needed. */
  async #loadExplainer(): Promise<Explainer> {
    const loaded = await import('./explainer.ts');
    this.#explainer ??= new loaded.Explainer(this.#options);
    return this.#explainer;
  }
}
