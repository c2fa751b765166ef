import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { AdminServer } from './admin-server.ts';

const unused = () => assert.fail('nobody asked for it');

test('a connection on which nothing is asked ends when its address is given up', async (t) => {
  const server = new AdminServer({
    clock: systemClock,
    reasonNotReady: unused,
    renderMetrics: unused,
    access: unused,
    loadAdministrations: unused,
    onFault: unused,
  });
  t.after(() => server.stop());
  const address = await server.start({ host: '127.0.0.1', port: 0 });
  assert.ok('port' in address);
  const client = connect(address.port, address.host);
  t.after(() => client.destroy());
  client.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n');
  const [answer] = await once(client, 'data');
  assert.match(String(answer), /^HTTP\/1\.1 200 /);
  server.retire();
  client.resume();
  await once(client, 'end', { signal: AbortSignal.timeout(3_000) });
});
