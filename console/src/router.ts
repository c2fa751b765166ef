/** Where in the console somebody is: the part behind `#` in the address, so that the server need not know. */
import { useSyncExternalStore } from 'react';

export interface Place {
  /** Decoded parts of the path: `['routes', 'orders']`. */
  readonly parts: readonly string[];
  readonly query: URLSearchParams;
}

export function toHash(parts: readonly string[], query: Readonly<Record<string, string>> = {}): string {
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return `#/${parts.map(encodeURIComponent).join('/')}${text === '' ? '' : `?${text}`}`;
}

export function readHash(hash: string): Place {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  return { parts: path === '' ? [] : path.split('/').map(decode), query: new URLSearchParams(query) };
}

/** Somebody may type anything into the address bar. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // Taken as it stands.
    return text;
  }
}

export function navigate(hash: string, options: { readonly isReplaced?: boolean } = {}): void {
  if (options.isReplaced) {
    history.replaceState(null, '', hash);
    dispatchEvent(new HashChangeEvent('hashchange'));
  } else location.hash = hash;
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}

export function useHash(): string {
  return useSyncExternalStore(subscribe, () => location.hash);
}
