import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { AdminApi } from './admin-api.ts';
import type { ServiceAdministration } from './service-administration.ts';

test('a fault of ours is answered with 500, and told with its cause', async (t) => {
  const cause = new Error('provoked');
  const fail = () => {
    throw cause;
  };
  const services: ServiceAdministration = { list: fail, find: fail, add: fail, change: fail, remove: fail };
  const exchanges = { explain: fail, explained: fail, listErrors: fail, tap: fail };
  const faults: unknown[] = [];
  const access = () => ({ address: { host: '127.0.0.1', port: 0 }, token: undefined });
  const api = new AdminApi({
    administrations: {
      services,
      quotas: { list: fail, reset: fail },
      cache: { show: fail, purge: fail },
      traffic: { show: fail, listPoints: fail, showRoute: fail, follow: fail },
      exchanges,
    },
    access,
    onFault: (error) => faults.push(error),
  });
  const server = createServer((request, response) => void api.answer(request, response)).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const { status, body } = await ask((server.address() as AddressInfo).port, '/api/services');
  assert.deepEqual([status, JSON.parse(body).code], [500, 'GH_ADMIN_FAULT']);
  assert.ok(!body.includes('provoked'));
  assert.deepEqual(faults, [cause]);
});
