import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { FakeClock } from '#test/support/fake-clock.ts';
import { toRecords } from '#test/support/services.ts';
import { EndpointBoard, EndpointFlag } from '../endpoint-board.ts';
import type { EndpointList, EndpointLists } from '../endpoint-list.ts';
import { RetryExhaustion } from '../retry-exhaustion.ts';
import { writeEndpointMetrics } from './endpoint-metrics.ts';
import type { HealthFacts } from './service-health.ts';

function setUp(unhealthy: readonly string[] = []) {
  const clock = new FakeClock();
  const board = new EndpointBoard();
  const facts: HealthFacts = {
    board,
    clock,
    findCheck: (_, url) => ({ state: unhealthy.includes(url) ? 'unhealthy' : 'healthy', last: undefined }),
  };
  return { clock, board, facts };
}

function toEndpointMetrics(lists: EndpointLists, facts: HealthFacts): string {
  return [...writeEndpointMetrics(lists, facts)].join('');
}

function toList(slot: number, ...urls: readonly string[]): EndpointList {
  return { version: 1, slot, records: toRecords(...urls).map((record) => ({ ...record, slot: slot + record.slot })) };
}

function linesOf(text: string, name: string): string[] {
  return text.split('\n').filter((line) => line.startsWith(name));
}

test('tells of each endpoint whether it is healthy, ejected and draining, and counts them for each service', () => {
  const { clock, board, facts } = setUp(['http://b:1']);
  const lists = { 'sh"op': toList(10, 'http://a:1', 'http://b:1', 'http://c:1'), idle: toList(20) };
  board.eject(12, clock.monotonicMs() + 1_000);
  board.setFlag(13, EndpointFlag.draining, true);
  assert.equal(
    toEndpointMetrics(lists, facts),
    `# HELP gatehouse_service_endpoints Endpoints of the service by state; one that is kept out for several reasons counts for each.
# TYPE gatehouse_service_endpoints gauge
gatehouse_service_endpoints{service="sh\\"op",state="available"} 1
gatehouse_service_endpoints{service="sh\\"op",state="unhealthy"} 1
gatehouse_service_endpoints{service="sh\\"op",state="ejected"} 1
gatehouse_service_endpoints{service="sh\\"op",state="draining"} 1
gatehouse_service_endpoints{service="idle",state="available"} 0
gatehouse_service_endpoints{service="idle",state="unhealthy"} 0
gatehouse_service_endpoints{service="idle",state="ejected"} 0
gatehouse_service_endpoints{service="idle",state="draining"} 0
# HELP gatehouse_retry_budget_exhausted_total Further attempts and hedges that were not made because the budget of the service was used up.
# TYPE gatehouse_retry_budget_exhausted_total counter
gatehouse_retry_budget_exhausted_total{service="sh\\"op"} 0
gatehouse_retry_budget_exhausted_total{service="idle"} 0
# HELP gatehouse_circuit_breakers_open Circuit breakers of the service and its endpoints that are open, or only let probes through.
# TYPE gatehouse_circuit_breakers_open gauge
gatehouse_circuit_breakers_open{service="sh\\"op"} 0
gatehouse_circuit_breakers_open{service="idle"} 0
# HELP gatehouse_endpoint_healthy 0 while active checks of the endpoint fail, otherwise 1.
# TYPE gatehouse_endpoint_healthy gauge
gatehouse_endpoint_healthy{service="sh\\"op",endpoint="http://a:1"} 1
gatehouse_endpoint_healthy{service="sh\\"op",endpoint="http://b:1"} 0
gatehouse_endpoint_healthy{service="sh\\"op",endpoint="http://c:1"} 1
# HELP gatehouse_endpoint_ejected 1 while the endpoint is left out because requests to it have failed, otherwise 0.
# TYPE gatehouse_endpoint_ejected gauge
gatehouse_endpoint_ejected{service="sh\\"op",endpoint="http://a:1"} 0
gatehouse_endpoint_ejected{service="sh\\"op",endpoint="http://b:1"} 1
gatehouse_endpoint_ejected{service="sh\\"op",endpoint="http://c:1"} 0
# HELP gatehouse_endpoint_draining 1 while an operator lets the endpoint come to its end, otherwise 0.
# TYPE gatehouse_endpoint_draining gauge
gatehouse_endpoint_draining{service="sh\\"op",endpoint="http://a:1"} 0
gatehouse_endpoint_draining{service="sh\\"op",endpoint="http://b:1"} 0
gatehouse_endpoint_draining{service="sh\\"op",endpoint="http://c:1"} 1
# HELP gatehouse_metrics_omitted Services and endpoints that have no series here because there are too many.
# TYPE gatehouse_metrics_omitted gauge
gatehouse_metrics_omitted{what="services"} 0
gatehouse_metrics_omitted{what="endpoints"} 0
`,
  );
  clock.advance(2_000);
  assert.match(toEndpointMetrics(lists, facts), /gatehouse_endpoint_ejected\{[^}]*b:1"\} 0/);
});

test('counts what several threads have counted, and goes on beyond what an integer holds', () => {
  const { board, facts } = setUp();
  const lists = { shop: toList(10, 'http://a:1') };
  const threads = [new RetryExhaustion(board), new RetryExhaustion(new EndpointBoard(board.memory))];
  threads[0]!.count();
  for (const thread of threads) {
    thread.slot = 10;
    thread.count();
  }
  const exhausted = () => linesOf(toEndpointMetrics(lists, facts), 'gatehouse_retry_budget_exhausted_total');
  assert.deepEqual(exhausted(), ['gatehouse_retry_budget_exhausted_total{service="shop"} 2']);
  board.words[board.wordAt(10, 15)] = 2 ** 31 - 1;
  threads[0]!.count();
  assert.deepEqual(exhausted(), [`gatehouse_retry_budget_exhausted_total{service="shop"} ${2 ** 31}`]);
});

test('of too many endpoints it shows those in trouble, and says how many it does not', () => {
  const { board, facts } = setUp();
  const count = limits.metricEndpointsMax + 5;
  const urls = Array.from({ length: count }, (_, i) => `http://h${i}:1`);
  board.setFlag(1 + count, EndpointFlag.draining, true);
  const text = toEndpointMetrics({ shop: toList(1, ...urls) }, facts);
  const lines = linesOf(text, 'gatehouse_endpoint_draining');
  assert.equal(lines.length, limits.metricEndpointsMax);
  assert.equal(lines[0], `gatehouse_endpoint_draining{service="shop",endpoint="http://h${count - 1}:1"} 1`);
  assert.ok(text.includes('gatehouse_metrics_omitted{what="endpoints"} 5\n'));
  assert.ok(text.includes(`gatehouse_service_endpoints{service="shop",state="available"} ${count - 1}\n`));
});

test('of too many services it shows the first ones', () => {
  const { facts } = setUp();
  const lists = Object.fromEntries(
    Array.from({ length: limits.metricServicesMax + 3 }, (_, i) => [`s${i}`, toList(1 + i)] as const),
  );
  const text = toEndpointMetrics(lists, facts);
  assert.equal(linesOf(text, 'gatehouse_retry_budget_exhausted_total').length, limits.metricServicesMax);
  assert.ok(text.includes('gatehouse_metrics_omitted{what="services"} 3\n'));
});
