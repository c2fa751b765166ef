/** Exchanges as operators see them: explained, while they happen, and those that have failed. */
import type { GatewayError } from '#base/errors.ts';
import type { ExchangeRecord } from '#http/exchange-record.ts';
import type { TapFilter } from '#http/tap-filter.ts';

export interface ExplainableRequest {
  readonly method: string;
  /** A whole URL, or a path with query. */
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly listener?: string | undefined;
  readonly client?: string | undefined;
}

/** What `gatehouse explain --json` prints; of an exchange that has happened, with it in `live`. */
export type ExplainedDocument = Readonly<Record<string, unknown>>;

export interface TapOptions {
  readonly filter: TapFilter;
  /** Each exchange comes as a whole document. */
  readonly explains: boolean;
}

/** Who taps. Nothing is said any more once it has left. */
export interface TapTaker {
  onExchange(exchange: ExchangeRecord | ExplainedDocument): void;
  /** So many matched and are not told of. */
  onDropped(count: number): void;
  /** The gateway ends. */
  onEnd(): void;
}

export interface Tap {
  leave(): void;
}

export interface ExchangeAdministration {
  /** By the present configuration, as if it came now. Sends nothing. */
  explain(request: ExplainableRequest): Promise<ExplainedDocument | GatewayError>;
  /** One that was asked to be kept, or has failed. */
  explained(id: string): Promise<ExplainedDocument | GatewayError>;
  /** Newest first. */
  listErrors(route: string | undefined): readonly ExchangeRecord[];
  /** `undefined`: as many tap as may. */
  tap(options: TapOptions, taker: TapTaker): Tap | undefined;
}
