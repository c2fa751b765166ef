/** The frame of the console: who may look, where one is, and the page that belongs there. */
import { useEffect, useRef } from 'react';
import type { Status } from './api/answers.ts';
import { useAdmission } from './api/session.ts';
import { trafficFeed } from './api/traffic-feed.ts';
import { useResource } from './api/use-resource.ts';
import { findPage } from './page-list.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { PageGuard } from './parts/page-guard.tsx';
import { RoleContext } from './parts/permission.tsx';
import { Empty } from './parts/states.tsx';
import { readHash, useHash } from './router.ts';
import { Shell } from './shell.tsx';

const STATUS_EVERY_MS = 5_000;

export function App() {
  const admission = useAdmission();
  useEffect(() => {
    if (admission.kind !== 'admitted') trafficFeed.restart();
  }, [admission]);
  if (admission.kind === 'token-needed') return <SignIn wasRefused={admission.wasRefused} />;
  if (admission.kind === 'closed') {
    return (
      <main className="alone">
        <h1>The admin API is closed</h1>
        <p>{admission.reason}</p>
      </main>
    );
  }
  return <Console />;
}

function Console() {
  const { data: status, problem } = useResource<Status>('/api/status', STATUS_EVERY_MS);
  const place = readHash(useHash());
  const page = findPage(place);
  const heading = useRef<HTMLHeadingElement>(null);
  const path = place.parts.join('/');
  const shownPath = useRef(path);
  const title = page?.title ?? 'Not found';
  // Whoever follows a link hears, and stands at, the title of the new page.
  useEffect(() => {
    document.title = `${title} · Gatehouse`;
    if (shownPath.current === path) return;
    shownPath.current = path;
    scrollTo(0, 0);
    heading.current?.focus({ preventScroll: true });
  }, [path, title]);
  return (
    <RoleContext value={status?.role ?? 'read'}>
      <Shell status={status} isAnswering={problem === undefined || problem.status !== 0} section={page?.section ?? ''}>
        <header className="page-head">
          {page?.parent !== undefined && (
            <a className="page-parent" href={page.parent.href}>
              {page.parent.title}
            </a>
          )}
          <h1 ref={heading} tabIndex={-1}>
            {title}
          </h1>
        </header>
        <div key={path} className="page-body">
          <PageGuard>
            {page?.body ?? <Empty title="There is no such page">The navigation has all that there are.</Empty>}
          </PageGuard>
        </div>
      </Shell>
    </RoleContext>
  );
}
