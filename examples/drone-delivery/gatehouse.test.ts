// Tests of the gateway's configuration: which request goes where, and as what. Nothing is started and nothing is sent.
//
//   gatehouse test --config examples/drone-delivery/gatehouse.yaml
//   node --test examples/drone-delivery/gatehouse.test.ts
//
// With the package installed, '#gatehouse/test' is 'gatehouse/test'.

import { describe, test } from 'node:test';
import { openRoutes } from '#gatehouse/test';

const shop = await openRoutes(new URL('gatehouse.yaml', import.meta.url), { env: {} });
const host = 'http://shop.localhost';

describe('paths lead to their services', () => {
  test('accounts, with everything below', async () => {
    await shop.expectRoute('GET', `${host}/accounts`).toReach('accounts');
    await shop
      .expectRoute('GET', `${host}/accounts/ada?verbose=1`)
      .toReach('accounts')
      .toSend({ path: '/accounts/ada', query: 'verbose=1' });
    await shop.expectRoute('GET', `${host}/accountsfoo`).toMatchNoRoute().toBeRefused(404);
  });

  test('deliveries, only with the methods that it has', async () => {
    await shop
      .expectRoute('POST', `${host}/deliveries`, { json: { packageId: 'p-2' } })
      .toReach('deliveries')
      .toSend({ json: { packageId: 'p-2' } });
    await shop.expectRoute('DELETE', `${host}/deliveries/d-1`).toMatchNoRoute();
  });

  test('the first version of the API, without its prefix', async () => {
    await shop
      .expectRoute('GET', `${host}/v1/packages/p-1`)
      .toMatchRoute('packages-v1')
      .toReach('packages')
      .toSend({ path: '/packages/p-1' });
  });
});

describe('a new release of packages', () => {
  test('gets one request in ten', async () => {
    await shop.expectRoute('GET', `${host}/packages`).toSplit({ packages: 90, 'packages-next': 10 });
    for (let i = 0; i < 10; i += 1) await shop.expectRoute('GET', `${host}/packages`).toReach('packages', 'packages-next');
  });

  test('gets every request that asks for it', async () => {
    await shop.expectRoute('GET', `${host}/packages`, { headers: { 'x-canary': 'yes' } }).toReach('packages-next');
    await shop.expectRoute('GET', `${host}/packages?canary=yes`).toReach('packages-next');
    await shop.expectRoute('GET', `${host}/packages?canary=no`).not.toMatchRoute('packages-canary');
  });
});

describe('drones', () => {
  test('are there for everybody to look at', () => shop.expectRoute('GET', `${host}/drones/swift`).toReach('drones'));

  test('are called back from the host of the operators alone', async () => {
    await shop.expectRoute('POST', 'http://ops.localhost/drones/swift/recall').toReach('drones');
    await shop.expectRoute('POST', `${host}/drones/swift/recall`).toBeRefused(404);
    await shop
      .everyRequest({ methods: ['POST', 'PUT', 'DELETE'], hosts: ['shop.localhost', 'localhost', 'x.ops.localhost'] })
      .never()
      .toMatchRoute('drone-recall');
  });
});

describe('the overview', () => {
  const stubAccounts = () => shop.stub('accounts', { '/accounts/ada': { json: { name: 'Ada', landingSpot: 'roof' } } });

  test('is made of four services', async () => {
    stubAccounts()
      .stub('packages', { '/packages': { json: [{ id: 'p-1', content: 'a lamp' }] } })
      .stub('deliveries', { '/deliveries': { json: [{ packageId: 'p-1', status: 'flying', droneId: 'swift' }] } })
      .stub('drones', { '/drones': { json: [{ id: 'swift', status: 'busy' }] } });
    await shop
      .expectRoute('GET', `${host}/api/overview/ada`)
      .toReach('accounts')
      .toSend({ service: 'packages', query: 'owner=ada' })
      .toAnswer({ status: 200, json: { name: 'Ada', packages: [{ id: 'p-1', status: 'flying', drone: 'swift' }] } });
  });

  test('says what is missing when a service does not answer in time', async () => {
    stubAccounts().stub('packages', { json: [] }).stub('deliveries', { fails: 'silent' });
    await shop
      .expectRoute('GET', `${host}/api/overview/ada`)
      .toAnswer({ status: 200, json: { name: 'Ada', missing: ['deliveries'] } });
  });

  test('does not exist for somebody who has no account', async () => {
    stubAccounts();
    await shop.expectRoute('GET', `${host}/api/overview/nobody`).toAnswer({ status: 404 });
  });
});

describe('what the gateway answers itself', () => {
  test('the start page, a greeting and a link to the new page', async () => {
    await shop.expectRoute('GET', `${host}/`).toAnswer({ status: 200 }).withHeader('x-content-type-options', 'nosniff');
    await shop.expectRoute('GET', `${host}/hello/ada`).toAnswer({ json: { hello: 'ada' } });
    await shop.expectRoute('GET', `${host}/old`).toRedirectTo(/\/$/, 301);
  });
});
