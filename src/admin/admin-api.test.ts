import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { ask } from '#test/support/ask.ts';
import { AdminApi } from './admin-api.ts';
import { AuditLog } from './audit-log.ts';
import type { ServiceAdministration } from './service-administration.ts';

test('a fault of ours is answered with 500, and told with its cause', async (t) => {
  const cause = new Error('provoked');
  const fail = () => {
    throw cause;
  };
  const services: ServiceAdministration = { list: fail, find: fail, add: fail, change: fail, remove: fail };
  const exchanges = { explain: fail, explained: fail, listErrors: fail, tap: fail };
  const faults: unknown[] = [];
  const access = () => ({ address: { host: '127.0.0.1', port: 0 }, tokens: [], needsCertificate: false, protectsMetrics: false });
  const api = new AdminApi({
    clock: systemClock,
    administrations: {
      gateway: { showStatus: fail, listListeners: fail, listCertificates: fail, listConsumers: fail, listLimits: fail },
      routes: { list: fail, find: fail },
      services,
      quotas: { list: fail, reset: fail },
      cache: { show: fail, purge: fail },
      configurations: {
        currentHash: '',
        show: fail,
        check: fail,
        apply: fail,
        listHistory: fail,
        findText: fail,
        compare: fail,
        rollBack: fail,
      },
      audit: new AuditLog(),
      traffic: { show: fail, listPoints: fail, showRoute: fail, follow: fail },
      exchanges,
      recordings: { start: fail },
      comparisons: { list: fail },
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
