/**
 * A refresh that is done once by all gateways that share a store: many providers end a session whose token is shown twice. Who
 * comes while another refreshes waits for what that puts into the store.
 */
import type { Grant } from './provider.ts';
import type { ProviderProblem } from './provider-problem.ts';
import type { Session } from './session.ts';
import type { SessionHome } from './session-home.ts';

/** The session is there anew: another gateway has refreshed it, or somebody has ended it. */
export interface RefreshedElsewhere {
  readonly kind: 'elsewhere';
}

export type Renewal = Grant | ProviderProblem | RefreshedElsewhere;

const LOOK_EVERY_MS = 100;
/** Longer than a provider may take to answer. */
const LOOKS_MAX = 60;

export interface SharedRefreshMeans {
  readonly home: SessionHome;
  readonly later: (delayMs: number, run: () => void) => () => void;
  refresh(): Promise<Grant | ProviderProblem>;
}

/** `text`: where the session is kept. */
export async function refreshOnce(
  session: Session,
  text: string,
  { home, later, refresh }: SharedRefreshMeans,
): Promise<Renewal> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const present = await home.find(text);
    if (present === undefined || !isSameGrant(present, session)) return { kind: 'elsewhere' };
    if (await home.claimRefresh(session)) {
      const renewed = await refresh();
      // Others may try. After a success they look first, and the claim ends by itself.
      if ('kind' in renewed) await home.giveUpRefresh(session);
      return renewed;
    }
    await new Promise<void>((resolve) => later(LOOK_EVERY_MS, resolve));
  }
  return { kind: 'unavailable', reason: 'another gateway refreshes the session, and takes too long' };
}

/** Some providers never give a new token to refresh with; the time of the next refresh tells then. */
function isSameGrant(one: Session, other: Session): boolean {
  return one.refreshToken === other.refreshToken && one.refreshAtMs === other.refreshAtMs;
}
