import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { readOverflowCount, readSeries, ThreadMeter } from '#base/meter.ts';
import { createServiceMeans, createTestService, SERVICE_SLOT, toRecords } from '#test/support/services.ts';
import type { AttemptOutcome } from './attempt-outcome.ts';
import type { Endpoint } from './endpoint.ts';
import type { Service } from './service.ts';
import { EndpointCell, endpointFamily, endpointOutcomes, ServiceCell, serviceFamily } from './service-meter.ts';

function setUp(...urls: readonly string[]) {
  const meter = new ThreadMeter();
  const means = { ...createServiceMeans(), meter };
  const outcomes = (url: string) => {
    const found = readSeries(meter.memory, [endpointFamily, serviceFamily]).find(({ labels }) => labels[1] === url);
    if (found === undefined) return undefined;
    const counted = endpointOutcomes.map((outcome, cell) => [outcome, meter.cells[found.at + cell]!] as const);
    return Object.fromEntries(counted.filter(([, count]) => count > 0));
  };
  const serviceCell = (cell: number) => {
    const found = readSeries(meter.memory, [endpointFamily, serviceFamily]).find(({ family }) => family === serviceFamily);
    return found && meter.cells[found.at + cell];
  };
  return { meter, means, service: createTestService(urls, {}, means), outcomes, serviceCell };
}

function tell(service: Service, endpoint: Endpoint, outcome: Partial<AttemptOutcome>): void {
  const times = { startedMs: 100, headMs: 104, endedMs: 105 };
  service.onAttemptEnded({ endpoint, ...times, status: 200, error: undefined, isCancelled: false, ...outcome });
}

test('attempts are counted by how they have ended, and their connections by whether they were used', () => {
  const { service, outcomes, serviceCell } = setUp('http://a:1', 'http://b:1');
  const [a, b] = service.endpoints;
  const error = { code: 'GH_TEST' } as AttemptOutcome['error'];
  tell(service, a!, { hadConnection: 'new' });
  tell(service, a!, { hadConnection: 'used', status: 404 });
  tell(service, a!, { error, status: 0, headMs: 0 });
  tell(service, a!, { isCancelled: true, error, headMs: 0 });
  tell(service, b!, { status: 0 });
  assert.deepEqual(outcomes('http://a:1'), { '2xx': 1, '4xx': 1, cancelled: 1, failed: 1 });
  assert.deepEqual(outcomes('http://b:1'), { connected: 1 });
  assert.equal(serviceCell(ServiceCell.newConnections), 1);
  assert.equal(serviceCell(ServiceCell.reusedConnections), 1);
  assert.equal(serviceCell(ServiceCell.seconds), 0.012);
});

test('a service that nobody has asked has no series, and one that was tells what is there at the moment', () => {
  const { service, serviceCell, outcomes } = setUp('http://a:1');
  service.lookAtLoad();
  assert.equal(serviceCell(ServiceCell.running), undefined);
  const [endpoint] = service.endpoints;
  endpoint!.enter();
  service.lookAtLoad();
  assert.equal(serviceCell(ServiceCell.running), 1);
  assert.equal(outcomes('http://a:1'), undefined);
  endpoint!.leave();
  service.lookAtLoad();
  assert.equal(serviceCell(ServiceCell.running), 0);
});

test('endpoints that come and go all day need no more room than those that are there', () => {
  const { meter, service, outcomes } = setUp('http://first:1');
  for (let i = 0; i < 3 * limits.metricEndpointsMax; i++) {
    const [endpoint] = service.endpoints;
    tell(service, endpoint!, {});
    service.setEndpoints({ version: 2 + i, records: toRecords(`http://h${i}:1`), slot: SERVICE_SLOT });
    // What still ran there ends.
    if (i % 100 === 0) tell(service, endpoint!, {});
  }
  assert.equal(readOverflowCount(meter.memory), 0);
  assert.equal(outcomes('http://first:1'), undefined);
  assert.equal(
    readSeries(meter.memory, [endpointFamily, serviceFamily]).filter(({ family }) => family === endpointFamily).length,
    0,
  );
  tell(service, service.endpoints[0]!, {});
  assert.deepEqual(outcomes(service.endpoints[0]!.url), { '2xx': 1 });
});

test('a service that follows one of the same name goes on counting for the endpoints that stay', () => {
  const { means, service, outcomes } = setUp('http://a:1', 'http://b:1');
  for (const endpoint of service.endpoints) tell(service, endpoint, {});
  const next = createTestService(['http://a:1'], { host: 'endpoint' }, means);
  service.close();
  assert.deepEqual([outcomes('http://a:1'), outcomes('http://b:1')], [{ '2xx': 1 }, undefined]);
  tell(next, next.endpoints[0]!, {});
  assert.deepEqual(outcomes('http://a:1'), { '2xx': 2 });
  assert.ok(EndpointCell.running >= endpointOutcomes.length);
});
