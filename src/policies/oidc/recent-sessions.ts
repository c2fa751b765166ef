/** Sessions that a thread has looked at, by the text of their cookie, so that a request of one of them waits for nothing. */
import type { Consumer } from '#http/consumer.ts';
import type { Session } from './session.ts';

export interface RecentSession {
  readonly session: Session;
  readonly consumer: Consumer;
  /** Until then there is nothing to do for it. */
  readonly untilMs: number;
}

/** With one more, the one that was added longest ago is forgotten. Each takes a few kilobytes. */
const SESSIONS_MAX = 2_048;

export class RecentSessions {
  readonly #byText = new Map<string, RecentSession>();

  get(text: string): RecentSession | undefined {
    return this.#byText.get(text);
  }

  add(text: string, recent: RecentSession): void {
    this.#byText.delete(text);
    this.#byText.set(text, recent);
    for (const oldest of this.#byText.keys()) {
      if (this.#byText.size <= SESSIONS_MAX) break;
      this.#byText.delete(oldest);
    }
  }

  delete(text: string): void {
    this.#byText.delete(text);
  }
}
