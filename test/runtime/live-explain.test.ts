/** Requests whose client shows a debug token, over real sockets: every step of what has become of them is shown. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { startWatchedGateway } from '#test/support/watched-gateway.ts';

test('try', async (t) => {
  const service = await startAnsweringService(t, () => '{"a":1}');
  const { debug, explained, tap, gateway, errors, admin } = await startWatchedGateway(t, {
    services: { a: { endpoints: [service.url, 'http://127.0.0.1:1'] } },
    routes: {
      it: { match: { path: '/a/*' }, policies: { 'rate-limit': { limit: '100/minute' }, cache: { ttl: '30s' } }, to: 'a' },
      post: { match: { path: '/a/x', method: 'POST', headers: { authorization: 'Bearer something' } }, to: 'a' },
      down: { match: { path: '/down' }, to: { respond: { status: 500 } } },
    },
  });
  const opened = await tap('?path=/a/*&status=2xx');
  const answer = await debug('/a/x?token=abcdefgh', { headers: { authorization: 'Bearer verysecret' } });
  console.log(answer.headers);
  console.log(JSON.stringify(await explained(answer), undefined, 1));
  await ask(gateway.port(), '/a/y');
  await ask(gateway.port(), '/down');
  console.log(JSON.stringify(await opened.until(2)));
  console.log(JSON.stringify(await errors()));
  console.log((await admin('/api/explain', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ method: 'get', url: '/a/1' }) })).body);
  console.log(service.asked[0]?.headers);
});
