/** What surrounds every page: navigation, the state of the gateway, the theme, and who is signed in. */
import { type ReactNode, useState } from 'react';
import type { Status } from './api/answers.ts';
import { session } from './api/session.ts';
import { trafficFeed } from './api/traffic-feed.ts';
import { formatAge } from './formats.ts';
import markUrl from './mark.svg';
import { navigation } from './page-list.tsx';
import { GoTo } from './parts/go-to.tsx';
import { LiveState, StaleBanner } from './parts/live-state.tsx';
import { Badge } from './parts/status-text.tsx';
import { toHash } from './router.ts';
import { themes, useTheme } from './theme.ts';

interface ShellProps {
  readonly status: Status | undefined;
  readonly isAnswering: boolean;
  readonly section: string;
  readonly children: ReactNode;
}

export function Shell({ status, isAnswering, section, children }: ShellProps) {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <div className="shell">
      {/* biome-ignore lint/a11y/useValidAnchor: it leads to a part of the page, while the part behind # says which page is shown */}
      <a
        className="skip-link"
        href="#content"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('content')?.focus();
        }}
      >
        Skip to the content
      </a>
      <header className="bar">
        <button
          type="button"
          className="button menu-button"
          aria-expanded={isOpen}
          aria-controls="navigation"
          onClick={() => setIsOpen(!isOpen)}
        >
          Menu
        </button>
        <a className="brand" href="#/">
          <img src={markUrl} alt="" width="22" height="22" />
          Gatehouse
        </a>
        <div className="bar-state">
          <Readiness status={status} isAnswering={isAnswering} />
          <LiveState />
        </div>
        <div className="bar-end">
          <GoTo />
          <ThemeSwitch />
          <User status={status} />
        </div>
      </header>
      <nav id="navigation" className={`side ${isOpen ? 'is-open' : ''}`} aria-label="Pages">
        {navigation.map(({ title, entries }) => (
          <div key={title} className="side-group">
            <h2>{title}</h2>
            <ul>
              {entries.map((entry) => (
                <li key={entry.section}>
                  <a
                    href={toHash(entry.section === '' ? [] : [entry.section])}
                    aria-current={entry.section === section ? 'page' : undefined}
                    onClick={() => setIsOpen(false)}
                  >
                    {entry.title}
                  </a>
                </li>
              ))}
            </ul>
          </div>
        ))}
        <Facts status={status} />
      </nav>
      <main id="content" className="content" tabIndex={-1}>
        <StaleBanner />
        {children}
      </main>
    </div>
  );
}

function Readiness({ status, isAnswering }: { readonly status: Status | undefined; readonly isAnswering: boolean }) {
  if (!isAnswering) return <Badge tone="bad">No answer</Badge>;
  if (status === undefined) return <Badge>Loading</Badge>;
  if (!status.ready) return <Badge tone="warn">Not ready{status.reason === undefined ? '' : `: ${status.reason}`}</Badge>;
  return <Badge tone="ok">Ready</Badge>;
}

function ThemeSwitch() {
  const [theme, choose] = useTheme();
  return (
    <label className="theme-switch">
      <span className="unseen">Theme</span>
      <select value={theme} onChange={({ target }) => choose(themes.find((one) => one === target.value) ?? 'system')}>
        <option value="system">System</option>
        <option value="light">Light</option>
        <option value="dark">Dark</option>
      </select>
    </label>
  );
}

function User({ status }: { readonly status: Status | undefined }) {
  return (
    <div className="user">
      {status !== undefined && (
        <span className="user-name" title={`Signed in as ${status.user}, with the role ${status.role}`}>
          {status.user} <span className="quiet">({status.role})</span>
        </span>
      )}
      {session.token !== undefined && (
        <button
          type="button"
          className="button"
          onClick={() => {
            trafficFeed.restart();
            session.signOut();
          }}
        >
          Sign out
        </button>
      )}
    </div>
  );
}

function Facts({ status }: { readonly status: Status | undefined }) {
  return (
    <dl className="side-facts">
      <div>
        <dt>Gatehouse</dt>
        <dd>{status?.version ?? '–'}</dd>
      </div>
      <div>
        <dt>Started</dt>
        <dd>{status === undefined ? '–' : formatAge(status.startedAt)}</dd>
      </div>
      <div>
        <dt>Data threads</dt>
        <dd>{status?.threads ?? '–'}</dd>
      </div>
      <div>
        <dt>Configuration</dt>
        <dd>{status === undefined ? '–' : <a href="#/configuration">{status.configuration.hash.slice(0, 8)}</a>}</dd>
      </div>
    </dl>
  );
}
