// The four services by themselves, without a gateway in front.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, describe, test } from 'node:test';
import { startAccounts } from './services/accounts.ts';
import { startDeliveries } from './services/deliveries.ts';
import { startDrones } from './services/drones.ts';
import { startPackages } from './services/packages.ts';

async function get(url: string) {
  const response = await fetch(url);
  const body: unknown = await response.json();
  return { status: response.status, headers: response.headers, body };
}

function post(url: string, body: string) {
  return fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

describe('every service', async () => {
  const services = await Promise.all([startAccounts(0), startPackages(0, 'packages-next'), startDeliveries(0), startDrones(0)]);
  after(() => Promise.all(services.map((service) => service.stop())));

  test('says that it is healthy, and who it is', async () => {
    for (const { name, url } of services) {
      const { status, headers, body } = await get(`${url}/healthz`);
      assert.deepEqual([status, body, headers.get('x-served-by')], [200, { status: 'ok' }, name]);
    }
  });

  test('answers 404 with a reason for a path that it does not have', async () => {
    for (const { url } of services) {
      const { status, body } = await get(`${url}/nothing`);
      assert.deepEqual([status, body], [404, { error: 'no GET /nothing here' }]);
    }
  });

  test('answers HEAD like GET, without a body', async () => {
    for (const { url } of services) {
      const response = await fetch(`${url}/healthz`, { method: 'HEAD' });
      assert.deepEqual([response.status, await response.text()], [200, '']);
    }
  });
});

describe('accounts', async () => {
  const accounts = await startAccounts(0);
  after(() => accounts.stop());

  test('lists everybody and finds one by id', async () => {
    const everybody = await get(`${accounts.url}/accounts`);
    assert.partialDeepStrictEqual(everybody.body, [{ id: 'ada' }, { id: 'grace' }, { id: 'alan' }]);
    const ada = await get(`${accounts.url}/accounts/ada`);
    assert.partialDeepStrictEqual(ada.body, { id: 'ada', name: 'Ada Lovelace' });
  });

  test('answers 404 for somebody unknown', async () => {
    assert.equal((await get(`${accounts.url}/accounts/nobody`)).status, 404);
  });
});

describe('packages', async () => {
  const packages = await startPackages(0);
  after(() => packages.stop());

  test('lists all packages, or those of one owner', async () => {
    const all = await get(`${packages.url}/packages`);
    assert.partialDeepStrictEqual(all.body, [{ id: 'p-1' }, { id: 'p-2' }, { id: 'p-3' }]);
    const ofGrace = await get(`${packages.url}/packages?owner=grace`);
    assert.deepEqual(ofGrace.body, [{ id: 'p-2', owner: 'grace', content: 'A nanosecond of wire', weightGrams: 40 }]);
  });
});

describe('deliveries', async () => {
  const deliveries = await startDeliveries(0, 20);
  after(() => deliveries.stop());

  test('has a delivery from before, with its history', async () => {
    const { body } = await get(`${deliveries.url}/deliveries/d-1`);
    const history = [{ status: 'accepted' }, { status: 'loaded' }, { status: 'flying' }, { status: 'delivered' }];
    assert.partialDeepStrictEqual(body, { packageId: 'p-1', droneId: 'swift', status: 'delivered', history });
  });

  test('accepts a delivery and says where to find it', async () => {
    const order = { packageId: 'p-2', droneId: 'kestrel' };
    const response = await post(`${deliveries.url}/deliveries`, JSON.stringify(order));
    assert.equal(response.status, 201);
    assert.partialDeepStrictEqual(await response.json(), { ...order, status: 'accepted', history: [{ status: 'accepted' }] });
    const created = await get(`${deliveries.url}${response.headers.get('location')}`);
    assert.partialDeepStrictEqual(created.body, order);
  });

  test('refuses what is not an order, saying why', async () => {
    const incomplete = await post(`${deliveries.url}/deliveries`, '{"packageId":"p-2"}');
    assert.equal(incomplete.status, 400);
    assert.match(await incomplete.text(), /droneId/);
    assert.equal((await post(`${deliveries.url}/deliveries`, '{')).status, 400);
    assert.equal((await post(`${deliveries.url}/deliveries`, 'x'.repeat(20_000))).status, 413);
  });

  test('streams every stage of a delivery as server-sent events, then ends', async () => {
    const created = await post(`${deliveries.url}/deliveries`, '{"packageId":"p-1","droneId":"swift"}');
    const feed = await fetch(`${deliveries.url}${created.headers.get('location')}/events`);
    assert.equal(feed.headers.get('content-type'), 'text/event-stream');
    const statuses = [...(await feed.text()).matchAll(/^data: (.*)\n\n/gm)].map((match) => JSON.parse(match[1] ?? '').status);
    assert.deepEqual(statuses, ['accepted', 'loaded', 'flying', 'delivered']);
  });

  test('completes a feed that is open when the service ends', async () => {
    const slow = await startDeliveries(0, 60_000);
    const feed = await fetch(`${slow.url}/deliveries/d-2/events`);
    slow.endFeeds();
    assert.doesNotMatch(await feed.text(), /delivered/);
    await slow.stop();
  });
});

describe('drones', async () => {
  const drones = await startDrones(0);
  after(() => drones.stop());

  function openFeed(id: string): WebSocket {
    return new WebSocket(`${drones.url.replace('http:', 'ws:')}/drones/${id}/feed`);
  }

  test('sends the position of a drone over a WebSocket, again and again', async () => {
    const feed = openFeed('swift');
    for (const _ of ['first', 'second']) {
      const [message] = await once(feed, 'message');
      const { id, position } = JSON.parse(message.data);
      assert.equal(id, 'swift');
      assert.equal(typeof position.latitude, 'number');
    }
    feed.close();
    await once(feed, 'close');
  });

  test('refuses the feed of a drone that it does not have', async () => {
    const feed = openFeed('penguin');
    await once(feed, 'error');
  });

  test('tells a client that asks for the feed without a WebSocket what it is', async () => {
    const { status, headers } = await get(`${drones.url}/drones/swift/feed`);
    assert.deepEqual([status, headers.get('upgrade')], [426, 'websocket']);
  });

  test('recalls a drone to the depot', async () => {
    const recalled: unknown = await (await post(`${drones.url}/drones/kestrel/recall`, '')).json();
    assert.partialDeepStrictEqual(recalled, { id: 'kestrel', status: 'recalled', position: { latitude: 51.9977 } });
    assert.deepEqual((await get(`${drones.url}/drones/kestrel`)).body, recalled);
  });

  test('says goodbye on open feeds when the service ends', async () => {
    const feed = openFeed('albatross');
    await once(feed, 'message');
    drones.endFeeds();
    const [close] = await once(feed, 'close');
    assert.equal(close.code, 1001);
  });
});
