const PATIENCE_MS = 5_000;
const STEP_MS = 2;

/** Resolves as soon as `condition` holds; fails with `what` when it does not come to hold. */
export function eventually(condition: () => boolean, what: string, patienceMs: number = PATIENCE_MS): Promise<void> {
  return new Promise((resolve, reject) => {
    const givesUpAt = performance.now() + patienceMs;
    const timer = setInterval(() => {
      const holds = condition();
      if (!holds && performance.now() < givesUpAt) return;
      clearInterval(timer);
      if (holds) resolve();
      else reject(new Error(`waited in vain until ${what}`));
    }, STEP_MS);
  });
}
