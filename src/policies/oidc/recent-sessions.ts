/** Sessions that a thread has looked at, by the text of their cookie, so that a request of one of them waits for nothing. */
import { RecentMap } from '#base/recent-map.ts';
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
  readonly #byText = new RecentMap<RecentSession>(SESSIONS_MAX);

  get(text: string): RecentSession | undefined {
    return this.#byText.get(text);
  }

  add(text: string, recent: RecentSession): void {
    this.#byText.set(text, recent);
  }

  delete(text: string): void {
    this.#byText.delete(text);
  }
}
