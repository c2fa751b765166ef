import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CompiledTapFilter, findTapMistake, type TapFilter } from './tap-filter.ts';

const request = { method: 'GET', path: '/orders/5', clientAddress: '10.1.2.3' };
const exchange = { request, plan: { routeName: 'orders' }, serviceName: 'shop', status: 503 };

const cases: readonly (readonly [filter: TapFilter, mayMatch: boolean, matches: boolean])[] = [
  [{}, true, true],
  [{ route: 'orders' }, true, true],
  [{ route: 'order' }, true, false],
  [{ service: 'shop' }, true, true],
  [{ service: 'other' }, true, false],
  [{ status: '503' }, true, true],
  [{ status: '5xx' }, true, true],
  [{ status: '5XX' }, true, true],
  [{ status: '4xx' }, true, false],
  [{ status: '500-503' }, true, true],
  [{ status: '500-502' }, true, false],
  [{ status: '404, 5xx' }, true, true],
  [{ status: '404,500' }, true, false],
  [{ method: 'GET' }, true, true],
  [{ method: 'get,post' }, true, true],
  [{ method: 'post, get' }, true, true],
  [{ method: 'POST' }, false, false],
  [{ path: '/orders/5' }, true, true],
  [{ path: '/orders' }, false, false],
  [{ path: '/orders/*' }, true, true],
  [{ path: '/orders/5/*' }, true, true],
  [{ path: '/orders/:id' }, true, true],
  [{ path: '/:any/5' }, true, true],
  [{ path: '/:any' }, false, false],
  [{ path: '/*' }, true, true],
  [{ path: '/orders/5/6' }, false, false],
  [{ path: '/order*' }, false, false],
  [{ client: '10.0.0.0/8' }, true, true],
  [{ client: '10.1.2.3' }, true, true],
  [{ client: '10.1.2.4' }, false, false],
  [{ route: 'orders', status: '5xx', method: 'GET', path: '/orders/*', client: '10.0.0.0/8' }, true, true],
  [{ route: 'orders', status: '5xx', method: 'GET', path: '/orders/*', client: '11.0.0.0/8' }, false, false],
];

for (const [filter, mayMatch, matches] of cases) {
  test(`${JSON.stringify(filter)}: ${mayMatch ? 'may match at the beginning' : 'cannot match'}, and ${matches ? 'matches' : 'does not match'}`, () => {
    const compiled = new CompiledTapFilter(filter);
    assert.equal(findTapMistake(filter), undefined);
    assert.deepEqual([compiled.mayMatch(request), compiled.matches(exchange)], [mayMatch, matches]);
  });
}

test('an exchange without a route matches no route, and one without an answer no status', () => {
  const early = { request, plan: undefined, serviceName: undefined, status: 0 };
  assert.equal(new CompiledTapFilter({}).matches(early), true);
  assert.equal(new CompiledTapFilter({ route: 'orders' }).matches(early), false);
  assert.equal(new CompiledTapFilter({ status: '1xx,2xx,3xx,4xx,5xx' }).matches(early), false);
});

const mistakes: readonly TapFilter[] = [
  ...['', '5', '5x', '6xx', '5xx-6xx', '5000', '200-', '200,,', 'ok'].map((status) => ({ status })),
  ...['orders', ''].map((path) => ({ path })),
  ...['10.0.0', '10.0.0.0/33', 'localhost'].map((client) => ({ client })),
  ...[0, -1, 1.1, Number.NaN].map((sample) => ({ sample })),
];

for (const filter of mistakes) {
  test(`${JSON.stringify(filter)} ${filter.sample} is no filter`, () => {
    assert.deepEqual([findTapMistake(filter)?.field], Object.keys(filter));
  });
}
