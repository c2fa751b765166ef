/**
 * Policies of routes are made while the first request waits, and cannot be made without their libraries: what a data thread
 * has not loaded when it takes a configuration over is an error of that request.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ask } from '#test/support/ask.ts';
import { makeKeyPair, TestIssuer } from '#test/support/jwt-issuer.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const key = await makeKeyPair('k1');
const issuer = new TestIssuer([key]);
const jwt = { issuer: issuer.issuer, audience: 'shop', jwks: { keys: [key.publicJwk] } };
const to = { respond: { text: 'served' } };
const routes = {
  plain: { match: { path: '/plain' }, to },
  expression: { match: { path: '/expression' }, policies: { authorize: { expression: 'request.path.matches("^/exp")' } }, to },
  token: { match: { path: '/token' }, policies: { jwt }, to },
  methods: { match: { path: '/methods' }, policies: { 'any-of': { methods: [{ 'api-key': {} }, { jwt }] } }, to },
};

for (const threads of [0, 1]) {
  test(`the first request meets loaded libraries, from the start and after a reload, with ${threads} data threads`, async (t) => {
    const { expression, ...others } = routes;
    const gateway = await startTestGateway({ routes: { plain: routes.plain, expression } }, { threads });
    t.after(() => gateway.stop());
    const token = await issuer.sign({}, { nowMs: Date.now() });
    const statusOf = async (path: string) => {
      const { status } = await ask(gateway.port(), path, { headers: { authorization: `Bearer ${token}` } });
      return status;
    };
    assert.equal(await statusOf('/expression'), 200);
    assert.deepEqual(await gateway.reconfigure({ routes: others }), []);
    assert.equal(await statusOf('/token'), 200);
    assert.equal(await statusOf('/methods'), 200);
    const failures = gateway.events.filter(({ message }) => message === 'exchange failed');
    assert.deepEqual(failures, []);
  });
}
