/** On a machine that has much else to do, or stands still for a while. */
const PATIENCE_MS = 30_000;
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

/** Asks again and again until there is an answer; the last reason why not, when patience ends. */
export async function eventuallyAnswers<Answer>(askOnce: () => Promise<Answer>, patienceMs = 60_000): Promise<Answer> {
  const givesUpAt = performance.now() + patienceMs;
  for (;;) {
    try {
      return await askOnce();
    } catch (error) {
      if (performance.now() > givesUpAt) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
