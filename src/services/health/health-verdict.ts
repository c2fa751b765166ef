import type { HealthSettings } from './health-settings.ts';

/** `unknown` until the first check is over: requests are sent there meanwhile. */
export type HealthState = 'unknown' | 'healthy' | 'unhealthy';

/** What the checks of one endpoint say so far. The first one decides; later ones must agree for a while to change it. */
export class HealthVerdict {
  #state: HealthState = 'unknown';
  /** Checks in a row that contradict the state. */
  #contrary = 0;
  /** The next check decides by itself. */
  #isOpen = true;

  get state(): HealthState {
    return this.#state;
  }

  /** The checks are of another kind now: the next one decides, and until then the state stays. */
  reopen(): void {
    this.#isOpen = true;
    this.#contrary = 0;
  }

  /** Takes the result of a check; true when it changes the state. */
  add(isSuccess: boolean, { healthyAfter, unhealthyAfter }: Pick<HealthSettings, 'healthyAfter' | 'unhealthyAfter'>): boolean {
    const next: HealthState = isSuccess ? 'healthy' : 'unhealthy';
    this.#contrary = next === this.#state ? 0 : this.#contrary + 1;
    const isDecided = this.#isOpen || this.#contrary >= (isSuccess ? healthyAfter : unhealthyAfter);
    this.#isOpen = false;
    if (next === this.#state || !isDecided) return false;
    this.#state = next;
    this.#contrary = 0;
    return true;
  }
}
