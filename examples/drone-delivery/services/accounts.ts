// Accounts: who sends and receives packages.

import { found, json, type Routes, runAlone, type Service, startJsonService } from './json-service.ts';

interface Account {
  readonly id: string;
  readonly name: string;
  readonly landingSpot: string;
}

const accounts = new Map<string, Account>(
  [
    { id: 'ada', name: 'Ada Lovelace', landingSpot: 'Garden, 12 St James Square' },
    { id: 'grace', name: 'Grace Hopper', landingSpot: 'Roof, 3 Harbour Road' },
    { id: 'alan', name: 'Alan Turing', landingSpot: 'Lawn, Bletchley Park' },
  ].map((account) => [account.id, account]),
);

const routes: Routes = {
  'GET /accounts': () => json(200, [...accounts.values()]),
  'GET /accounts/:id': ({ params }) => found(accounts.get(params['id'] ?? '')),
};

/** Starts the accounts service; port 0 takes any free port. */
export function startAccounts(port: number): Promise<Service> {
  return startJsonService({ name: 'accounts', port, routes });
}

if (import.meta.main) await runAlone(startAccounts, 4101);
