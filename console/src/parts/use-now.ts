import { useEffect, useState } from 'react';

/** The time by the clock of `performance`, moving each second while the page can be seen. */
export function useNowMs(): number {
  const [nowMs, setNowMs] = useState(() => performance.now());
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === 'visible' && setNowMs(performance.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}
