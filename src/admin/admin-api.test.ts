import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { ask } from '#test/support/ask.ts';
import { AdminApi, type AdminApiFacts } from './admin-api.ts';
import type { Administrations } from './administrations.ts';
import { AuditLog } from './audit-log.ts';

const cause = new Error('provoked');
const fail = () => {
  throw cause;
};

const failing: Administrations = {
  gateway: { showStatus: fail, listListeners: fail, listCertificates: fail, listConsumers: fail, listLimits: fail },
  routes: { list: fail, find: fail },
  services: { list: fail, find: fail, add: fail, change: fail, remove: fail },
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
  exchanges: { explain: fail, explained: fail, listErrors: fail, tap: fail },
  recordings: { start: fail },
  comparisons: { list: fail },
};

/** Faults that are told are in `faults`. */
async function startApi(t: TestContext, facts: Partial<AdminApiFacts>): Promise<{ port: number; faults: unknown[] }> {
  const faults: unknown[] = [];
  const api = new AdminApi({
    clock: systemClock,
    administrations: failing,
    access: () => ({ address: { host: '127.0.0.1', port: 0 }, tokens: [], needsCertificate: false, protectsMetrics: false }),
    onFault: (error) => faults.push(error),
    ...facts,
  });
  const server = createServer((request, response) => void api.answer(request, response)).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, faults };
}

test('a fault of ours is answered with 500, and told with its cause', async (t) => {
  const { port, faults } = await startApi(t, {});
  const { status, body } = await ask(port, '/api/services');
  assert.deepEqual([status, JSON.parse(body).code], [500, 'GH_ADMIN_FAULT']);
  assert.ok(!body.includes('provoked'));
  assert.deepEqual(faults, [cause]);
});

test('a fault before anything is carried out is told too', async (t) => {
  const { port, faults } = await startApi(t, { access: fail });
  await assert.rejects(ask(port, '/api/services'));
  assert.deepEqual(faults, [cause]);
});

test('who asks for the head of a stream leaves no stream behind', async (t) => {
  let open = 0;
  const follow = () => {
    open += 1;
    return () => {
      open -= 1;
    };
  };
  const traffic = { ...failing.traffic, listPoints: () => [], show: () => structuredClone({}) as never, follow };
  const { port, faults } = await startApi(t, { administrations: { ...failing, traffic } });
  const { status, headers, body } = await ask(port, '/api/traffic/stream', { method: 'HEAD' });
  assert.deepEqual([status, headers['content-type'], body], [200, 'text/event-stream', '']);
  assert.deepEqual([open, faults], [0, []]);
});

test('a request that looks may have a body, which means nothing; what it is answered has a length, as for HEAD', async (t) => {
  const { port } = await startApi(t, { administrations: { ...failing, comparisons: { list: () => [] } } });
  const expected = '{"comparisons":[]}';
  const looked = await ask(port, '/api/comparisons', { headers: { 'content-length': '2' }, body: '{}' });
  assert.deepEqual([looked.status, looked.body, looked.headers['content-length']], [200, expected, String(expected.length)]);
  const head = await ask(port, '/api/comparisons', { method: 'HEAD' });
  assert.deepEqual([head.status, head.body, head.headers['content-length']], [200, '', String(expected.length)]);
});
