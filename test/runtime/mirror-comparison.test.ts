/** Answers to copies of requests are compared with those that clients get, who notice nothing of it. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { RouteComparison } from '#admin/comparison-administration.ts';
import type { GatewayInput } from '#config/define-gateway.ts';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { eventually, eventuallyAnswers } from '#test/support/eventually.ts';
import { createFolder, readRecorded, untilRecording } from '#test/support/recorded-lines.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

type Service = Awaited<ReturnType<typeof startAnsweringService>>;

interface Site {
  readonly gateway: TestGateway;
  readonly main: Service;
  readonly shadow: Service;
  compared(): RouteComparison | undefined;
  /** Asks, and waits until so many comparisons are over. */
  ask(path: string, count: number, asked?: Parameters<typeof ask>[2]): Promise<string>;
}

async function start(t: TestContext, compare: object, more: Partial<GatewayInput> = {}, threads = 0): Promise<Site> {
  const main = await startAnsweringService(t, ({ target }) => JSON.stringify({ target }));
  const shadow = await startAnsweringService(t, ({ target }) => JSON.stringify({ target }));
  const gateway = await startTestGateway(
    {
      admin: { address: '127.0.0.1:0' },
      services: { main: { endpoints: [main.url] }, shadow: { endpoints: [shadow.url] } },
      routes: {
        begin: { match: { path: '/begin' }, to: 'main' },
        shop: { match: { path: '/*' }, to: 'main', policies: { mirror: { to: 'shadow', compare } } },
      },
      ...more,
    },
    { threads },
  );
  t.after(() => gateway.stop());
  const { admin } = (await gateway.control.start()) as { readonly admin: { readonly port: number } };
  let seen: RouteComparison | undefined;
  const look = async () => {
    const { body } = await ask(admin.port, '/api/comparisons');
    seen = (JSON.parse(body) as { comparisons: RouteComparison[] }).comparisons[0];
    return Object.values(seen?.results ?? {}).reduce((sum, count) => sum + count, 0);
  };
  return {
    gateway,
    main,
    shadow,
    compared: () => seen,
    async ask(path, count, asked) {
      const { body } = await ask(gateway.port(), path, asked);
      await eventuallyAnswers(async () => assert.ok((await look()) >= count, `${count} are compared`));
      return body;
    },
  };
}

test('tells what is the same, what differs and where, with examples that hold no secret', async (t) => {
  const site = await start(t, { ignore: ['x-build', '/items/*/at'], unordered: ['/items=id'] });
  const answer = (items: object[], more: object = {}) => JSON.stringify({ items, ...more });
  site.main.answer(({ response, target }) => {
    response.setHeader('x-build', '1');
    return answer([{ id: 1, at: 5 }, { id: 2 }], target === '/b' ? { price: 5, token: 'secret-main' } : {});
  });
  site.shadow.answer(({ response, target }) => {
    response.setHeader('x-build', '2');
    if (target.startsWith('/b')) response.setHeader('x-by', 'shadow');
    return {
      status: target.startsWith('/c') ? 500 : 200,
      body: answer([{ id: 2 }, { id: 1, at: 6 }], target.startsWith('/b') ? { price: 6, token: 'secret-shadow' } : {}),
    };
  });
  assert.equal(await site.ask('/a', 1), answer([{ id: 1, at: 5 }, { id: 2 }]));
  assert.deepEqual(site.compared()?.results, { same: 1, different: 0, uncompared: 0, failed: 0, skipped: 0 });
  await site.ask('/b', 2);
  await site.ask('/c?access_token=secret-query', 3);
  const compared = site.compared();
  assert.equal(compared?.route, 'shop');
  assert.equal(compared?.service, 'shadow');
  assert.deepEqual(compared?.results, { same: 1, different: 2, uncompared: 0, failed: 0, skipped: 0 });
  assert.deepEqual(
    compared?.differences
      .map(({ place, kind, count, examples }) => [place, kind, count, examples[0]?.before, examples[0]?.after])
      .sort(),
    [
      ['body /price', 'changed', 1, '5', '6'],
      ['body /token', 'changed', 1, '(hidden)', '(hidden)'],
      ['field x-by', 'added', 1, undefined, 'shadow'],
      ['status', 'changed', 1, '200', '500'],
    ],
  );
  assert.ok(!JSON.stringify(compared).includes('secret-'), JSON.stringify(compared));
});

test('bodies that are longer than what is kept are compared by their digests', async (t) => {
  const site = await start(t, { bodyMax: '1KiB' });
  const long = 'x'.repeat(200_000);
  const script = (end: string) => () => ({ status: 200, body: JSON.stringify(long + end) });
  site.main.answer(script('a'));
  site.shadow.answer(script('a'));
  assert.equal((await site.ask('/a', 1)).length, long.length + 3);
  assert.equal(site.compared()?.results.same, 1);
  site.shadow.answer(script('b'));
  await site.ask('/a', 2);
  assert.deepEqual([site.compared()?.results.different, site.compared()?.differences[0]?.place], [1, 'body']);
  // More than is read of an answer that nobody waits for.
  site.main.answer(() => ({ status: 200, body: JSON.stringify('x'.repeat(3_000_000)) }));
  site.shadow.answer(() => ({ status: 200, body: JSON.stringify('x'.repeat(3_000_000)) }));
  await site.ask('/a', 3);
  assert.equal(site.compared()?.results.uncompared, 1);
});

test("a copy that is not answered, and an answer that is not the service's, are no comparison", async (t) => {
  const site = await start(t, {});
  site.shadow.answer(({ response }) => {
    response.destroy();
    return undefined;
  });
  assert.equal(await site.ask('/a', 1), '{"target":"/a"}');
  assert.equal(site.compared()?.results.failed, 1);
  site.main.answer(({ response }) => {
    response.destroy();
    return undefined;
  });
  site.shadow.answer(() => '{}');
  await site.ask('/a', 2);
  assert.equal(site.compared()?.results.failed, 2);
});

test('compares in data threads, and while a recording reads the same answers along', async (t) => {
  const file = join(await createFolder(t), 'traffic.jsonl');
  const site = await start(t, {}, { recording: { to: { file }, sample: '100%' } }, 2);
  await untilRecording(site.gateway.port(), file);
  const asking = { method: 'POST', body: '{"a":1}' };
  assert.equal(await site.ask('/a', 1, asking), '{"target":"/a"}');
  assert.equal(site.compared()?.results.same, 1);
  await eventually(() => readRecorded(file).length === 1, 'it is recorded');
  const [line] = readRecorded(file);
  assert.deepEqual(
    line?.calls.map(({ service }) => service),
    ['main'],
  );
  assert.equal(line?.answer.body?.text, '{"target":"/a"}');
  assert.equal(line?.request.body?.text, '{"a":1}');
});
