import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/logger.ts';
import { ThreadMeter } from '#base/meter.ts';
import { runAtOnce } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import { loadConfigurationValue } from '#config/load.ts';
import { EndpointBoard } from '#services/endpoint-board.ts';
import { encodeConfiguration } from '#snapshot/encode.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { SERVICE_SLOT, toRecords } from '#test/support/services.ts';
import { CacheCounts } from './cache-counts.ts';
import { DataPlane } from './data-plane.ts';
import { noFiles } from './named-files.ts';
import { RefusalCounts } from './refusal-counts.ts';

async function load(): Promise<Configuration> {
  const value = {
    version: 1,
    listeners: { web: { address: ':8080' } },
    accessLog: false,
    services: { orders: { endpoints: ['http://127.0.0.1:1'] } },
    routes: { all: { match: { path: '/*' }, to: 'orders' } },
  };
  const { configuration } = await loadConfigurationValue(value, '/', { policies: [], env: {} });
  return configuration!;
}

test('endpoints that come while a configuration is being prepared count, also in a thread that has none yet', async (t) => {
  const upstream = await startRawUpstream((connection) => connection.send('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nnew'));
  t.after(() => upstream.close());
  const options = {
    clock: systemClock,
    logger: silentLogger,
    board: new EndpointBoard(),
    refusals: new RefusalCounts(),
    cacheCounts: new CacheCounts(),
    meter: new ThreadMeter(),
    sharesPorts: false,
    opensUnixSockets: true,
    threadNumber: 0,
    openMemoryStore: async () => assert.fail('nothing is kept'),
    tell: () => assert.fail('nobody observes'),
  };
  const plane = new DataPlane(options);
  t.after(() => plane.close());
  const endpoints = { orders: { version: 1, slot: SERVICE_SLOT, records: toRecords('http://127.0.0.1:1') } };
  const preparing = plane.prepare(
    runAtOnce(encodeConfiguration(await load(), [])),
    { files: noFiles, endpoints, credentialNames: { fields: [], parameters: [] } },
    { listens: false },
  );
  plane.setEndpoints('orders', { version: 2, slot: SERVICE_SLOT, records: toRecords(upstream.url) });
  plane.commit(await preparing);
  const answer = await plane.inject({ url: '/' }, 'web');
  assert.deepEqual([answer.status, answer.text()], [200, 'new']);
});
