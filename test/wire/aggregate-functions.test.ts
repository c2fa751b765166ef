/** Answers of several services that a function of the user puts together. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

type Options = { readonly threads?: number; readonly partialField?: string };

async function start(t: TestContext, source: string, { threads = 0, partialField }: Options = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-compose-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'compose.ts');
  await writeFile(file, source);
  const users = await startAnsweringService(t, ({ target }) =>
    target === '/gone' ? { status: 404, body: '' } : '{"id":12345678901234567890,"name":"Ada"}',
  );
  const input = (name = 'compose'): Partial<GatewayInput> => ({
    services: { users: { endpoints: [users.url] } },
    routes: {
      all: {
        match: { path: '/view/:id' },
        to: {
          aggregate: {
            calls: {
              user: { service: 'users', path: '/users/${path.id}' },
              gone: { service: 'users', path: '/gone', optional: true },
            },
            compose: `${file}#${name}`,
            ...(partialField !== undefined && { partialField }),
          },
        },
      },
    },
  });
  const gateway = await startTestGateway(input(), { threads });
  t.after(() => gateway.stop());
  return { gateway, file, input, send: (path = '/view/a%2Fb', asked = {}) => ask(gateway.port(), path, asked) };
}

const typed = (body: string) =>
  `type Input = { calls: any; request: any; reply: any };\nexport const compose = ({ calls, request, reply }: Input) => ${body};\n`;

for (const threads of [0, 1]) {
  test(`a function puts the answer together, with ${threads} data threads`, async (t) => {
    const { send } = await start(
      t,
      typed(
        '({ hello: calls.user.body.name, text: calls.user.text, gone: [calls.gone.body ?? "none", calls.gone.status, calls.gone.outcome], type: calls.user.header("Content-Type"), request })',
      ).replace(
        'request })',
        'request: [request.method, request.path, request.query, request.params, request.body, request.header("x-a")] })',
      ),
      { threads, partialField: 'missing' },
    );
    const { status, headers, body } = await send('/view/a%2Fb?c=d', { method: 'POST', body: '[1]', headers: { 'x-a': 'b' } });
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(body), {
      hello: 'Ada',
      text: '{"id":12345678901234567890,"name":"Ada"}',
      gone: ['none', 404, 'fallback'],
      type: 'application/json',
      request: ['POST', '/view/a%2Fb', 'c=d', { id: 'a/b' }, [1], 'b'],
      missing: ['gone'],
    });
    assert.deepEqual([headers['content-type'], headers['gatehouse-partial']], ['application/json', 'gone']);
  });
}

test('a function may wait, and say status and fields', async (t) => {
  const { send } = await start(
    t,
    typed('Promise.resolve(reply(["made"], { status: 203, headers: { "X-Made": "yes\\r\\nx-evil: 1 ü" } }))'),
  );
  const { status, headers, body } = await send();
  assert.deepEqual(
    [status, headers['x-made'], headers['x-evil'], body],
    [203, 'yes%0D%0Ax-evil: 1 %C3%BC', undefined, '["made"]'],
  );
});

for (const [what, body] of [
  ['throws', '{ throw new Error("secret"); }'],
  ['rejects', 'Promise.reject(new Error("secret"))'],
  ['gives what has no form in JSON', '() => 1'],
  ['gives a status that there is not', 'reply(1, { status: 101 })'],
  ['gives a field that frames the message', 'reply(1, { headers: { "Content-Length": "0" } })'],
  ['gives a field without a name', 'reply(1, { headers: { "x y": "0" } })'],
  ['gives what refers to itself', '{ const a: any = {}; a.a = a; return a; }'],
] as const) {
  test(`a function that ${what} makes an error that says nothing of the inside`, async (t) => {
    const { send, gateway } = await start(t, typed(body));
    const answer = await send();
    assert.deepEqual([answer.status, JSON.parse(answer.body).code], [500, 'GH_AGGREGATE_COMPOSE_FAILED']);
    assert.doesNotMatch(answer.body, /secret/);
    assert.equal((await send()).status, 500);
    await gateway.stop();
  });
}

test('an answer without a body has none, whatever the function gives', async (t) => {
  const { send } = await start(t, typed('reply({ a: 1 }, { status: 204 })'));
  const { status, headers, body } = await send();
  assert.deepEqual([status, body, headers['content-length']], [204, '', undefined]);
});

test('a module that has changed is taken over by a reload, and one that is wrong changes nothing', async (t) => {
  const { send, gateway, file, input } = await start(t, typed('1'));
  assert.equal((await send()).body, '1');
  await writeFile(file, typed('2'));
  assert.deepEqual(await gateway.reconfigure(input()), []);
  assert.equal((await send()).body, '2');
  await writeFile(file, 'export const compose = (');
  assert.match((await gateway.reconfigure(input())).join(), /compose\.ts cannot be run: /);
  await writeFile(file, 'export const other = 1;');
  assert.match((await gateway.reconfigure(input())).join(), /exports no function `compose`; it exports other/);
  assert.match((await gateway.reconfigure(input('other'))).join(), /exports no function `other`/);
  await rm(file);
  assert.match((await gateway.reconfigure(input())).join(), /the module .*compose\.ts cannot be read/);
  assert.equal((await send()).body, '2');
});
