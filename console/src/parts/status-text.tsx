/** Small marks: of a status, a state, a level. Each says in words what its colour says. */
import type { ReactNode } from 'react';

export type Tone = 'ok' | 'warn' | 'bad' | 'quiet' | 'accent';

export function Badge({ tone = 'quiet', children }: { readonly tone?: Tone; readonly children: ReactNode }) {
  return <span className={`badge tone-${tone}`}>{children}</span>;
}

export function Dot({ tone }: { readonly tone: Tone }) {
  return <i className={`dot tone-${tone}`} aria-hidden="true" />;
}

/** 0: there was no answer. */
export function StatusCode({ status }: { readonly status: number }) {
  return <span className={`status tone-${toneOfStatus(status)}`}>{status === 0 ? 'none' : status}</span>;
}

function toneOfStatus(status: number): Tone {
  if (status >= 500 || status === 0) return 'bad';
  if (status >= 400) return 'warn';
  return status >= 300 ? 'quiet' : 'ok';
}
