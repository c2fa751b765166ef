/** A resource of the API as a page shows it: loaded, loaded again from time to time, kept while that fails. */
import { useCallback, useEffect, useRef, useState } from 'react';
import { ApiProblem, ask } from './ask.ts';

export interface Resource<Answer> {
  readonly data: Answer | undefined;
  /** Why the last attempt failed. `data` is what was there before. */
  readonly problem: ApiProblem | undefined;
  readonly isLoading: boolean;
  reload(): void;
}

interface State<Answer> {
  readonly path: string;
  readonly data: Answer | undefined;
  readonly problem: ApiProblem | undefined;
  readonly isLoading: boolean;
}

/** Without a path there is nothing to load yet. `everyMs`: loads again while the page can be seen. */
export function useResource<Answer>(path: string | undefined, everyMs?: number): Resource<Answer> {
  const [state, setState] = useState<State<Answer>>(() => toEmpty(path));
  const [asked, setAsked] = useState(0);
  const reload = useCallback(() => setAsked((count) => count + 1), []);
  const shown = useRef(path);
  shown.current = path;
  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` counts how often somebody wanted it again
  useEffect(() => {
    if (path === undefined) return;
    const loading = new AbortController();
    setState((before) => (before.path === path ? { ...before, isLoading: true } : toEmpty(path)));
    let isRunning = false;
    const load = async () => {
      // While the gateway does not answer, one question waits for it, however long the page is open.
      if (isRunning) return;
      isRunning = true;
      try {
        const data = await ask<Answer>(path, { signal: loading.signal });
        setState({ path, data, problem: undefined, isLoading: false });
      } catch (error) {
        if (loading.signal.aborted) return;
        setState((before) => ({ ...before, path, problem: toProblem(error), isLoading: false }));
      } finally {
        isRunning = false;
      }
    };
    void load();
    const timer =
      everyMs === undefined ? undefined : setInterval(() => document.visibilityState === 'visible' && load(), everyMs);
    return () => {
      loading.abort();
      clearInterval(timer);
    };
  }, [path, everyMs, asked]);
  // The answer to another question is not shown as the answer to this one.
  const present = state.path === (path ?? '') ? state : toEmpty<Answer>(path);
  return { data: present.data, problem: present.problem, isLoading: present.isLoading, reload };
}

function toEmpty<Answer>(path: string | undefined): State<Answer> {
  return { path: path ?? '', data: undefined, problem: undefined, isLoading: path !== undefined };
}

function toProblem(error: unknown): ApiProblem {
  return error instanceof ApiProblem ? error : new ApiProblem(0, 'UNREADABLE', 'The answer of the gateway cannot be read.');
}
