/** All pages: where each is found, what it is called, and what is on it. */
import type { ReactNode } from 'react';
import { AuditPage } from './pages/audit.tsx';
import { CachePage } from './pages/cache.tsx';
import { CertificatesPage } from './pages/certificates.tsx';
import { ConfigurationPage } from './pages/configuration.tsx';
import { ConsumersPage } from './pages/consumers.tsx';
import { DifferencePage } from './pages/difference.tsx';
import { ExplainPage } from './pages/explain.tsx';
import { LimitsPage } from './pages/limits.tsx';
import { MapPage } from './pages/map.tsx';
import { OverviewPage } from './pages/overview.tsx';
import { RoutePage } from './pages/route.tsx';
import { RoutesPage } from './pages/routes.tsx';
import { ServicePage } from './pages/service.tsx';
import { ServicesPage } from './pages/services.tsx';
import { TailPage } from './pages/tail.tsx';
import { type Place, toHash } from './router.ts';

export interface Page {
  readonly title: string;
  /** Of the navigation. */
  readonly section: string;
  readonly parent?: { readonly title: string; readonly href: string };
  readonly body: ReactNode;
}

export interface NavigationGroup {
  readonly title: string;
  readonly entries: readonly { readonly section: string; readonly title: string }[];
}

export const navigation: readonly NavigationGroup[] = [
  {
    title: 'Traffic',
    entries: [
      { section: '', title: 'Overview' },
      { section: 'map', title: 'Map' },
      { section: 'routes', title: 'Routes' },
      { section: 'services', title: 'Services' },
    ],
  },
  {
    title: 'Requests',
    entries: [
      { section: 'tail', title: 'Live tail' },
      { section: 'explain', title: 'Explain' },
    ],
  },
  {
    title: 'Gateway',
    entries: [
      { section: 'certificates', title: 'Certificates' },
      { section: 'limits', title: 'Limits' },
      { section: 'cache', title: 'Cache' },
      { section: 'consumers', title: 'Consumers' },
      { section: 'configuration', title: 'Configuration' },
      { section: 'audit', title: 'Audit' },
    ],
  },
];

const bodies: Readonly<Record<string, (place: Place) => ReactNode>> = {
  '': () => <OverviewPage />,
  map: () => <MapPage />,
  routes: () => <RoutesPage />,
  services: () => <ServicesPage />,
  tail: ({ query }) => <TailPage query={query} />,
  explain: ({ query }) => <ExplainPage query={query} />,
  certificates: () => <CertificatesPage />,
  limits: () => <LimitsPage />,
  cache: () => <CachePage />,
  consumers: () => <ConsumersPage />,
  configuration: () => <ConfigurationPage />,
  audit: () => <AuditPage />,
};

export function findPage(place: Place): Page | undefined {
  const [section = '', name, ...more] = place.parts;
  if (more.length > 0 || !Object.hasOwn(bodies, section)) return undefined;
  const title = navigation.flatMap(({ entries }) => entries).find((entry) => entry.section === section)!.title;
  if (name === undefined) return { title, section, body: bodies[section]!(place) };
  const parent = { title, href: toHash([section]) };
  if (section === 'routes') return { title: name, section, parent, body: <RoutePage name={name} /> };
  if (section === 'services') return { title: name, section, parent, body: <ServicePage name={name} /> };
  if (section === 'configuration') {
    return {
      title: `Version ${name.slice(0, 12)}`,
      section,
      parent,
      body: <DifferencePage hash={name} against={place.query.get('against') ?? undefined} />,
    };
  }
  return undefined;
}
