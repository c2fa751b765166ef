// Packages: what there is to deliver. The demo runs it twice, as `packages` and as `packages-next`, to show a canary release.

import { found, json, type Routes, runAlone, type Service, startJsonService } from './json-service.ts';

interface Package {
  readonly id: string;
  readonly owner: string;
  readonly content: string;
  readonly weightGrams: number;
}

const packages = new Map<string, Package>(
  [
    { id: 'p-1', owner: 'ada', content: 'Punched cards', weightGrams: 850 },
    { id: 'p-2', owner: 'grace', content: 'A nanosecond of wire', weightGrams: 40 },
    { id: 'p-3', owner: 'alan', content: 'Paper tape', weightGrams: 1_200 },
  ].map((item) => [item.id, item]),
);

const routes: Routes = {
  'GET /packages': ({ query }) => {
    const owner = query.get('owner');
    return json(200, owner === null ? [...packages.values()] : [...packages.values()].filter((item) => item.owner === owner));
  },
  'GET /packages/:id': ({ params }) => found(packages.get(params['id'] ?? '')),
};

/** Starts the packages service under the given name; port 0 takes any free port. */
export function startPackages(port: number, name = 'packages'): Promise<Service> {
  return startJsonService({ name, port, routes });
}

if (import.meta.main) await runAlone(startPackages, 4102);
