/** Requests that belong together stay at one service of a split: over reloads, over threads, and when weights change. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { ask } from '#test/support/ask.ts';
import { onEachRequest } from '#test/support/forwarding.ts';
import { type RawUpstream, startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway, type TestGateway, type TestGatewayOptions } from '#test/support/test-gateway.ts';

type Sticky = { by: string; ttl?: string; path?: string };

interface Split {
  readonly gateway: TestGateway;
  input(sticky: Sticky, weights: readonly [number, number]): Partial<GatewayInput>;
}

/** Two services that answer with their names. */
async function startSplit(
  t: TestContext,
  sticky: Sticky,
  options: TestGatewayOptions & { listeners?: GatewayInput['listeners'] } = {},
): Promise<Split> {
  const upstreams: RawUpstream[] = [];
  for (const name of ['old', 'new']) {
    const answer = `HTTP/1.1 200 OK\r\ncontent-length: ${name.length}\r\n\r\n${name}`;
    upstreams.push(await startRawUpstream(onEachRequest((connection) => connection.send(answer))));
  }
  const input: Split['input'] = (of, [old, next]) => ({
    ...(options.listeners !== undefined && { listeners: options.listeners }),
    services: { old: { endpoints: [upstreams[0]!.url] }, new: { endpoints: [upstreams[1]!.url] } },
    routes: {
      all: {
        match: { path: '/*' },
        to: {
          services: [
            { service: 'old', weight: old },
            { service: 'new', weight: next },
          ],
          sticky: of,
        },
      },
    },
  });
  const gateway = await startTestGateway(input(sticky, [1, 1]), options);
  t.after(async () => {
    await gateway.stop();
    for (const upstream of upstreams) await upstream.close();
  });
  return { gateway, input };
}

/** Which service each of so many accounts gets. */
async function servicesFor(gateway: TestGateway, count: number): Promise<string[]> {
  const services: string[] = [];
  for (let i = 0; i < count; i++)
    services.push((await ask(gateway.port(), '/', { headers: { 'x-account': `account-${i}` } })).body);
  return services;
}

test('a field keeps requests together over reloads, and a change of weights moves only what it has to', async (t) => {
  const sticky = { by: 'header.x-account' };
  const { gateway, input } = await startSplit(t, sticky);
  const before = await servicesFor(gateway, 40);
  assert.deepEqual(new Set(before), new Set(['old', 'new']));
  assert.deepEqual(await servicesFor(gateway, 40), before);
  const services = input(sticky, [1, 1]);
  // Another setting of the service makes it anew.
  assert.deepEqual(
    await gateway.reconfigure({
      ...services,
      services: { ...services.services, old: { ...services.services!['old']!, pool: { idle: '5s' } } },
    }),
    [],
  );
  assert.deepEqual(await servicesFor(gateway, 40), before);
  assert.deepEqual(await gateway.reconfigure(input(sticky, [1, 3])), []);
  const after = await servicesFor(gateway, 40);
  for (const [i, service] of before.entries()) if (service === 'new') assert.equal(after[i], 'new');
  assert.deepEqual(await gateway.reconfigure(input(sticky, [0, 1])), []);
  assert.deepEqual(new Set(await servicesFor(gateway, 10)), new Set(['new']));
});

test('requests without the field take turns by weight', async (t) => {
  const { gateway } = await startSplit(t, { by: 'header.x-account' });
  const bodies: string[] = [];
  for (let i = 0; i < 4; i++) bodies.push((await ask(gateway.port(), '/')).body);
  assert.deepEqual(bodies, ['old', 'new', 'old', 'new']);
});

test('the address of the client keeps its requests together', async (t) => {
  const { gateway } = await startSplit(t, { by: 'ip' });
  const bodies = new Set<string>();
  for (let i = 0; i < 6; i++) bodies.add((await ask(gateway.port(), '/')).body);
  assert.equal(bodies.size, 1);
});

test('every data thread chooses alike', async (t) => {
  const { gateway } = await startSplit(t, { by: 'header.x-account' }, { threads: 2 });
  // Each request has a connection of its own, which the system gives to one of the threads.
  for (let account = 0; account < 4; account++) {
    const bodies = new Set<string>();
    for (let i = 0; i < 12; i++) bodies.add((await ask(gateway.port(), '/', { headers: { 'x-account': `a-${account}` } })).body);
    assert.equal(bodies.size, 1, `account ${account}`);
  }
});

test('a client without the cookie is given one that leads it back to where it was, and is given none when it has one', async (t) => {
  const { gateway, input } = await startSplit(t, { by: 'cookie.release' });
  const services = new Set<string>();
  // The cookies are random: it takes some until both services have been given.
  for (let i = 0; i < 12 || (services.size < 2 && i < 100); i++) {
    const first = await ask(gateway.port(), '/');
    const [written = ''] = first.headers['set-cookie'] ?? [];
    const cookie = /^(release=[0-9a-f]{32}); Path=\/; HttpOnly; SameSite=Lax$/.exec(written)?.[1];
    assert.ok(cookie !== undefined, written);
    services.add(first.body);
    for (let again = 0; again < 2; again++) {
      const next = await ask(gateway.port(), '/', { headers: { cookie: `a=1; ${cookie}` } });
      assert.equal(next.body, first.body);
      assert.equal(next.headers['set-cookie'], undefined);
    }
  }
  assert.equal(services.size, 2);
  assert.deepEqual(await gateway.reconfigure(input({ by: 'cookie.release', ttl: '7d', path: '/shop' }, [1, 1])), []);
  const { headers } = await ask(gateway.port(), '/');
  assert.match(headers['set-cookie']?.[0] ?? '', /^release=\w+; Path=\/shop; Max-Age=604800; HttpOnly; SameSite=Lax$/);
});

test('an error of the gateway carries the cookie too, so that a client whose first request fails stays where it is', async (t) => {
  const { gateway, input } = await startSplit(t, { by: 'cookie.release' });
  const { routes } = input({ by: 'cookie.release' }, [1, 1]);
  const nowhere = { endpoints: ['http://127.0.0.1:1'] };
  assert.deepEqual(await gateway.reconfigure({ services: { old: nowhere, new: nowhere }, routes: routes! }), []);
  const answer = await ask(gateway.port(), '/');
  assert.equal(answer.status, 502);
  assert.equal(answer.headers['set-cookie']?.length, 1);
});
