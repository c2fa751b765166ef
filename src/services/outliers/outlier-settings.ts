/** When an endpoint does so much worse than it should that it is left out for a while. */
export interface OutlierSettings {
  /** So many failures without a success between them. */
  readonly consecutiveFailures: number;
  /** Answers that count as failures. */
  readonly statuses: readonly number[];
  /** What is counted is counted in windows of this length. */
  readonly windowMs: number;
  /** With fewer attempts in a window, nothing is made of their share of failures or of their latency. */
  readonly minRequests: number;
  /** From 0 to 1; `undefined`: the share of failures does not matter. */
  readonly failureRate: number | undefined;
  /** `undefined`: latency does not matter. */
  readonly latency: LatencySettings | undefined;
  /** How long the first ejection lasts; each further one lasts twice as long. */
  readonly ejectionMs: number;
  readonly ejectionMsMax: number;
  /** Which share of the endpoints may be left out at a time, from 0 to 1. */
  readonly ejectedMax: number;
}

export interface LatencySettings {
  /** So many times as slow as the others. */
  readonly factor: number;
  /** Below this, nothing is slow. */
  readonly floorMs: number;
}
