import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClientBench, startClientBench, untilAnswers } from '../support/client-bench.ts';
import { eventually } from '../support/eventually.ts';
import type { RawClient } from '../support/raw-client.ts';

const get = 'GET /local/x HTTP/1.1\r\nhost: shop\r\n\r\n';

function untilConnected(bench: ClientBench, count: number): Promise<void> {
  return eventually(() => bench.gateway.control.plane?.connectionCount === count, `${count} clients are connected`);
}

async function openAnswered(bench: ClientBench, localAddress?: string): Promise<RawClient> {
  const client = await bench.open(localAddress);
  client.send(get);
  await untilAnswers(client, 1);
  client.take();
  return client;
}

async function checkAll(clients: readonly RawClient[]): Promise<void> {
  for (const client of clients) {
    client.send(get);
    await untilAnswers(client, 1);
    client.take();
  }
}

async function checkRefused(bench: ClientBench, localAddress?: string): Promise<void> {
  const refused = await bench.open(localAddress).catch(() => undefined);
  refused?.send(get);
  assert.equal((await refused?.untilEnd()) ?? '', '');
}

test('closes connections beyond the cap of a listener at once, and keeps those that are there', async (t) => {
  const bench = await startClientBench(t, { listener: { maxConnections: 3 } });
  const clients = [await openAnswered(bench), await openAnswered(bench), await openAnswered(bench, '127.0.0.2')];
  for (let i = 0; i < 5; i++) await checkRefused(bench, i % 2 === 0 ? '127.0.0.1' : '127.0.0.3');
  await checkAll(clients);
  await untilConnected(bench, 3);
  const warnings = bench.gateway.events.filter(({ message }) => message === 'connection refused');
  assert.ok(warnings.length > 0);
  assert.deepEqual(warnings[0]?.fields, { listener: 'web', clientAddress: '127.0.0.1', cap: 'listener' });
});

test('gives a place that became free to the next client, however the last one left', async (t) => {
  const bench = await startClientBench(t, { listener: { maxConnections: 2 } });
  const stays = await openAnswered(bench);
  const departures: ((client: RawClient) => void)[] = [
    (client) => client.socket.destroy(),
    (client) => client.socket.resetAndDestroy(),
    (client) => client.socket.end(),
    (client) => client.send('GET /local/x HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n'),
    (client) => client.send('nonsense\r\n\r\n'),
  ];
  for (const leave of departures) {
    const client = await openAnswered(bench);
    await checkRefused(bench);
    leave(client);
    if (!client.socket.destroyed) await client.untilEnd();
    client.close();
    await untilConnected(bench, 1);
  }
  await openAnswered(bench);
  await checkAll([stays]);
});

test('closes connections beyond the cap of one client address, and minds no other address', async (t) => {
  const bench = await startClientBench(t, { listener: { maxConnectionsPerClient: 2 } });
  const greedy = [await openAnswered(bench), await openAnswered(bench)];
  const others = [await openAnswered(bench, '127.0.0.2'), await openAnswered(bench, '127.0.0.2')];
  await checkRefused(bench);
  await checkRefused(bench, '127.0.0.2');
  const third = await openAnswered(bench, '127.0.0.3');
  await checkAll([...greedy, ...others, third]);
  greedy[0]!.close();
  await untilConnected(bench, 4);
  await checkRefused(bench, '127.0.0.2');
  greedy[0] = await openAnswered(bench);
  await checkAll([...greedy, ...others, third]);
});

test('takes over a cap that is changed while clients are connected', async (t) => {
  const bench = await startClientBench(t, { listener: { maxConnections: 3 } });
  const clients = [await openAnswered(bench), await openAnswered(bench), await openAnswered(bench)];
  const lowered = { ...bench.input, listeners: { web: { address: '127.0.0.1:0', maxConnections: 1 } } };
  assert.deepEqual(await bench.gateway.reconfigure(lowered), []);
  await checkAll(clients);
  await checkRefused(bench);
  clients.pop()!.close();
  clients.pop()!.close();
  await untilConnected(bench, 1);
  await checkRefused(bench);
  clients.pop()!.close();
  await untilConnected(bench, 0);
  await openAnswered(bench);
});
