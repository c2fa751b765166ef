/** Goes to a page, a route or a service by a part of its name: Ctrl K, ⌘ K or /. */
import { type KeyboardEvent as ReactKeyboardEvent, useEffect, useRef, useState } from 'react';
import type { RoutePage, Service } from '../api/answers.ts';
import { useResource } from '../api/use-resource.ts';
import { navigation } from '../page-list.tsx';
import { navigate, toHash } from '../router.ts';
import { SearchField } from './fields.tsx';
import { useSettled } from './use-settled.ts';

const SHOWN_MAX = 12;
const ROUTES_ASKED = 20;

interface Destination {
  readonly kind: 'page' | 'route' | 'service';
  readonly title: string;
  readonly hash: string;
}

export function GoTo() {
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (!isCall(event) || document.querySelector('dialog[open]') !== null) return;
      event.preventDefault();
      setIsOpen(true);
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
  return (
    <>
      <button type="button" className="button go-to-button" onClick={() => setIsOpen(true)}>
        Go to… <kbd>/</kbd>
      </button>
      {isOpen && <GoToDialog onClose={() => setIsOpen(false)} />}
    </>
  );
}

/** A slash that somebody writes into a field is a slash. */
function isCall({ key, ctrlKey, metaKey, altKey, target }: KeyboardEvent): boolean {
  if (key.toLowerCase() === 'k' && (ctrlKey || metaKey) && !altKey) return true;
  const writes = target instanceof HTMLElement && /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
  return key === '/' && !ctrlKey && !metaKey && !altKey && !writes;
}

function GoToDialog({ onClose }: { onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState('');
  const destinations = useDestinations(text.trim().toLowerCase());
  useEffect(() => dialog.current?.showModal(), []);
  const go = (hash: string) => {
    dialog.current?.close();
    navigate(hash);
  };
  const onKeyDown = (event: ReactKeyboardEvent) => {
    const stops = [...(dialog.current?.querySelectorAll<HTMLElement>('input, a') ?? [])];
    const at = stops.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    stops.at(to % stops.length)?.focus();
  };
  return (
    <dialog ref={dialog} className="dialog go-to" aria-label="Go to" onClose={onClose} onKeyDown={onKeyDown}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const first = destinations[0];
          if (first !== undefined) go(first.hash);
        }}
      >
        <SearchField label="Page, route or service" value={text} placeholder="Page, route or service" onChange={setText} />
      </form>
      <ul>
        {destinations.map(({ kind, title, hash }) => (
          <li key={hash}>
            <a
              href={hash}
              onClick={(event) => {
                if (event.ctrlKey || event.metaKey || event.shiftKey) return;
                event.preventDefault();
                go(hash);
              }}
            >
              <span className="cut">{title}</span>
              <span className="quiet">{kind}</span>
            </a>
          </li>
        ))}
      </ul>
      {destinations.length === 0 && <p className="quiet go-to-none">Nothing has this in its name.</p>}
    </dialog>
  );
}

function useDestinations(text: string): readonly Destination[] {
  const asked = useSettled(text);
  const routes = useResource<RoutePage>(
    asked === '' ? undefined : `/api/routes?${new URLSearchParams({ max: String(ROUTES_ASKED), search: asked })}`,
  );
  const services = useResource<{ services: readonly Service[] }>('/api/services');
  const pages = navigation
    .flatMap(({ entries }) => entries)
    .map(({ section, title }): Destination => ({ kind: 'page', title, hash: toHash(section === '' ? [] : [section]) }));
  const named = [
    ...(routes.data?.routes ?? []).map(
      ({ name }): Destination => ({ kind: 'route', title: name, hash: toHash(['routes', name]) }),
    ),
    ...(services.data?.services ?? []).map(
      ({ name }): Destination => ({ kind: 'service', title: name, hash: toHash(['services', name]) }),
    ),
  ];
  const all = text === '' ? pages : [...pages, ...named].filter(({ title }) => title.toLowerCase().includes(text));
  return all.slice(0, SHOWN_MAX);
}
