import assert from 'node:assert/strict';
import test from 'node:test';
import type { Exchange } from '#http/exchange.ts';
import type { Terminal } from '#pipeline/plan.ts';
import { createPolicyBench, planPhases } from '#test/support/policy-bench.ts';
import { StickyCookie, type StickyCookieDefinition } from './sticky-cookie.ts';

/** Gives a cookie to everybody who asks for it. */
function terminalOf(definition: StickyCookieDefinition): Terminal {
  const cookie = new StickyCookie(definition, () => 'id');
  return {
    start(exchange: Exchange) {
      if (exchange.request.path === '/new') cookie.give(exchange);
      exchange.sendReply({ status: 200, fields: ['set-cookie', 'own=1'], contentLengthBytes: 0, body: undefined });
    },
    responseHead: (exchange, response) => cookie.addTo(exchange, response),
  };
}

const definition = { name: 'release', path: '/' };

test('the answer to who was given a cookie carries it beside the cookies of the service, and no other answer does', async () => {
  const bench = createPolicyBench({ terminal: terminalOf(definition) });
  assert.deepEqual((await bench.send({ url: '/new' })).values('set-cookie'), [
    'own=1',
    'release=id; Path=/; HttpOnly; SameSite=Lax',
  ]);
  assert.deepEqual((await bench.send({ url: '/old' })).values('set-cookie'), ['own=1']);
});

test('a cookie that is given over https goes over https alone, and lasts as long as it is told to', async () => {
  const bench = createPolicyBench({ terminal: terminalOf({ ...definition, path: '/shop', ttlMs: 90_000 }) });
  const { values } = await bench.send({ url: '/new', scheme: 'https' });
  assert.equal(values('set-cookie')[1], 'release=id; Path=/shop; Max-Age=90; HttpOnly; SameSite=Lax; Secure');
});

test('policies see the cookie as if the service had set it', async () => {
  let seen: readonly string[] = [];
  const policies = [
    planPhases({
      responseHead(_, response) {
        seen = response.fields;
      },
    }),
  ];
  await createPolicyBench({ policies, terminal: terminalOf(definition) }).send({ url: '/new' });
  assert.ok(seen.includes('release=id; Path=/; HttpOnly; SameSite=Lax'));
});
