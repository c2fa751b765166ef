/** Whether what is shown is what is: live, on its way, or old. */
import { useTraffic } from '../api/traffic-feed.ts';
import { formatSpan } from '../formats.ts';
import { Dot } from './status-text.tsx';
import { useNowMs } from './use-now.ts';

/** Reports come each second. */
const STALE_AFTER_MS = 3_500;

interface Liveness {
  readonly tone: 'ok' | 'warn' | 'bad' | 'quiet';
  readonly text: string;
  readonly isStale: boolean;
}

function useLiveness(): Liveness {
  const { state, receivedMs, problem } = useTraffic();
  const nowMs = useNowMs();
  const ageMs = nowMs - receivedMs;
  if (state === 'live' && receivedMs > 0 && ageMs < STALE_AFTER_MS) return { tone: 'ok', text: 'Live', isStale: false };
  if (receivedMs > 0)
    return { tone: 'warn', text: `No data since ${formatSpan(Math.max(ageMs, 1000))}`, isStale: ageMs >= STALE_AFTER_MS };
  if (problem !== undefined) return { tone: 'bad', text: 'No data', isStale: true };
  return { tone: 'quiet', text: 'Connecting', isStale: false };
}

export function LiveState() {
  const { tone, text } = useLiveness();
  return (
    <span className="live-state" role="status">
      <Dot tone={tone} />
      {text}
    </span>
  );
}

/** Across the page, so that nobody decides by numbers of yesterday. */
export function StaleBanner() {
  const { isStale, text } = useLiveness();
  const { problem, state } = useTraffic();
  if (!isStale) return null;
  return (
    <div className="notice notice-warn" role="alert">
      <span>
        {text}. {problem?.message} {state === 'waiting' && problem?.status !== 404 && 'Trying again.'}
      </span>
    </div>
  );
}
