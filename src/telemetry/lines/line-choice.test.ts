import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { z } from 'zod';
import { accessLogSchema } from '#config/access-log/access-log-schema.ts';
import type { TcpConnection } from '#forward/tcp-connection.ts';
import { clientErrors } from '#http/client-errors.ts';
import type { RouteLogging } from '#http/exchange.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { serviceErrors } from '#services/service-errors.ts';
import { makeExchange } from '#test/support/logged-exchange.ts';
import { LineChoice } from './line-choice.ts';

type Written = z.input<typeof accessLogSchema>;

interface Told {
  readonly status?: number;
  readonly path?: string;
  readonly method?: string;
  readonly listener?: string;
  readonly route?: string;
  readonly tookMs?: number;
  readonly error?: ReturnType<(typeof clientErrors)['gone']>;
  readonly logging?: RouteLogging;
}

function choose(written: Written, { chance = 0.5 } = {}) {
  const settings = accessLogSchema.parse(written);
  assert.ok(settings !== false);
  const choice = new LineChoice(settings.logs[0]!, () => chance);
  const takes = ({ status = 200, path = '/a', method = 'GET', listener = 'web', route, tookMs = 1, error, logging }: Told) => {
    const exchange = makeExchange({ target: path, method, listener });
    exchange.status = status;
    exchange.finishedMs = tookMs;
    exchange.error = error;
    exchange.plan = { routeName: route, logging };
    return choice.takes(exchange);
  };
  return { choice, takes };
}

const failure = upstreamErrors.queueFull({ queueMax: 1, connectionsMax: 2 });

const filters: readonly (readonly [
  filter: NonNullable<Exclude<Written, false>>['filter'],
  taken: readonly Told[],
  left: readonly Told[],
])[] = [
  [{}, [{}, { status: 500 }], []],
  [{ status: '5xx' }, [{ status: 500 }, { status: 599 }], [{ status: 499 }, { status: 200 }, { status: 0 }]],
  [{ status: [404, '5xx'] }, [{ status: 404 }, { status: 503 }], [{ status: 403 }, { status: 405 }]],
  [{ slowerThan: '1s' }, [{ tookMs: 1_000 }, { tookMs: 9_999 }], [{ tookMs: 999 }]],
  [{ route: 'orders' }, [{ route: 'orders' }], [{ route: 'order' }, {}]],
  [{ method: ['PUT', 'POST'] }, [{ method: 'PUT' }, { method: 'POST' }], [{ method: 'GET' }]],
  [{ listener: 'web' }, [{}], [{ listener: 'other' }]],
  [{ path: '/healthz' }, [{ path: '/healthz' }], [{ path: '/healthz/x' }, { path: '/health' }, { path: '/' }]],
  [{ path: '/api/*' }, [{ path: '/api' }, { path: '/api/' }, { path: '/api/a/b' }], [{ path: '/apis' }, { path: '/' }]],
  [{ path: '/' }, [{ path: '/' }], [{ path: '/a' }]],
  [{ path: '/*' }, [{ path: '/' }, { path: '/a/b' }], []],
  [{ path: '/o/:id/x' }, [{ path: '/o/1/x' }], [{ path: '/o//x' }, { path: '/o/1' }, { path: '/o/1/x/y' }]],
  [{ status: '2xx', method: 'GET' }, [{}], [{ method: 'POST' }, { status: 404 }]],
  [{ except: { path: '/healthz' } }, [{}], [{ path: '/healthz' }, { path: '/healthz', status: 503 }]],
  [{ except: { path: '/healthz', status: '2xx' } }, [{}, { path: '/healthz', status: 503 }], [{ path: '/healthz' }]],
  [{ slowerThan: '1s', errors: 'always' }, [{ status: 500 }, { error: failure }, { tookMs: 1_000 }], [{}, { status: 404 }]],
  [{ errors: 'always', except: { route: 'x' } }, [{}], [{ route: 'x', status: 500 }]],
];

for (const [filter, taken, left] of filters) {
  test(`the filter ${JSON.stringify(filter)} takes what it says`, () => {
    const { takes } = choose({ filter });
    for (const told of taken) assert.ok(takes(told), JSON.stringify(told));
    for (const told of left) assert.ok(!takes(told), JSON.stringify(told));
  });
}

test('a sample takes its share, and all that have failed', () => {
  const below = choose({ sample: '10%' }, { chance: 0.099 });
  const above = choose({ sample: '10%' }, { chance: 0.1 });
  assert.ok(below.takes({}));
  assert.ok(!above.takes({}));
  assert.ok(above.takes({ status: 500 }));
  assert.ok(above.takes({ status: 200, error: failure }));
  assert.ok(!above.takes({ status: 404, error: clientErrors.gone() }));
  assert.ok(!choose({ sample: '0%' }, { chance: 0 }).takes({}));
  assert.ok(choose({ sample: '100%' }, { chance: 0.999_999 }).takes({}));
});

test('a sample may take failures like others, and others always', () => {
  const { takes } = choose({ sample: { share: '10%', errors: 'sampled', always: { slowerThan: '1s', method: 'POST' } } });
  assert.ok(!takes({ status: 500 }));
  assert.ok(takes({ tookMs: 1_000, method: 'POST' }));
  assert.ok(!takes({ tookMs: 1_000 }));
});

test('of what a filter takes, a sample takes its share', () => {
  const settings: Written = { filter: { status: ['2xx', '5xx'] }, sample: '10%' };
  assert.ok(!choose(settings, { chance: 0 }).takes({ status: 404 }));
  assert.ok(choose(settings, { chance: 0 }).takes({ status: 200 }));
  assert.ok(!choose(settings, { chance: 0.5 }).takes({ status: 200 }));
  assert.ok(choose(settings, { chance: 0.5 }).takes({ status: 500 }));
});

test('what a route says of its lines stands in the place of the sample', () => {
  const silent: RouteLogging = { share: 0, keepsFailed: false };
  const few: RouteLogging = { share: 0.01, keepsFailed: true };
  const all: RouteLogging = { share: 1, keepsFailed: true };
  for (const written of [{}, { sample: '10%' }, { filter: { errors: 'always' } }] as const) {
    const { takes } = choose(written);
    assert.ok(!takes({ logging: silent }));
    assert.ok(!takes({ logging: silent, status: 500 }));
    assert.ok(!takes({ logging: few }));
    assert.ok(takes({ logging: few, status: 500 }));
    assert.ok(takes({ logging: all }));
  }
  assert.ok(!choose({ filter: { status: '5xx' } }).takes({ logging: all }));
});

test('connections whose bytes are passed on are chosen by what is known of them', () => {
  const facts = { listener: 'web', startedMs: 0, finishedMs: 2_000, error: undefined };
  const takesTcp = (written: Written, more = {}) =>
    choose(written).choice.takesTcp({ ...facts, ...more } as unknown as TcpConnection);
  assert.ok(takesTcp({}));
  assert.ok(takesTcp({ filter: { slowerThan: '2s', listener: 'web' } }));
  assert.ok(!takesTcp({ filter: { slowerThan: '3s' } }));
  assert.ok(!takesTcp({ filter: { path: '/*' } }));
  assert.ok(!takesTcp({ filter: { status: '2xx' } }));
  assert.ok(!takesTcp({ sample: '10%' }));
  assert.ok(takesTcp({ sample: '10%' }, { error: serviceErrors.noEndpoint({ service: 's' }) }));
});
