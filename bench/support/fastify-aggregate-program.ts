/**
 * An aggregate as it is written by hand: Fastify in front, undici to three services, all at the same time. Its logger is off.
 * Usage: UPSTREAM_PORT=8080 node bench/support/fastify-aggregate-program.ts; prints its port.
 */
import type { AddressInfo } from 'node:net';
import Fastify from 'fastify';
import { Pool } from 'undici';

const origin = `http://127.0.0.1:${process.env['UPSTREAM_PORT']}`;
// One for each service, as somebody would write it.
const pools = { users: new Pool(origin), orders: new Pool(origin), offers: new Pool(origin) };

async function fetchJson(pool: Pool, path: string): Promise<unknown> {
  const { statusCode, body } = await pool.request({ path, method: 'GET', headers: { accept: 'application/json' } });
  if (statusCode !== 200) throw new Error(`status ${statusCode}`);
  return body.json();
}

const app = Fastify({ logger: false });
app.get<{ Params: { id: string } }>('/api/aggregate/:id', async ({ params: { id } }) => {
  const [user, orders, offers] = await Promise.all([
    fetchJson(pools.users, `/users/${encodeURIComponent(id)}`),
    fetchJson(pools.orders, `/orders?user=${encodeURIComponent(id)}`),
    fetchJson(pools.offers, `/offers/${encodeURIComponent(id)}`),
  ]);
  const { name } = user as { name: string };
  return { name, user, orders, offers };
});

// It never outlives the benchmark that started it.
process.stdin.resume().once('end', () => process.exit());
await app.listen({ host: '127.0.0.1', port: 0 });
process.stdout.write(`port ${(app.server.address() as AddressInfo).port}\n`);
