/** Who may do what with the admin API. The operations are those of its own document, so that a new one cannot be left out. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { operatorRoles } from '#config/operator-roles.ts';
import { askStatus, listOperations, roleTokens, startAdminBench } from '#test/support/admin-bench.ts';
import { eventually } from '#test/support/eventually.ts';

const input = {
  services: { orders: { endpoints: ['http://127.0.0.1:1'] } },
  routes: { orders: { match: { path: '/orders/*' }, to: 'orders' } },
};
/** Whatever is asked for is not there. */
const fill = (path: string) => path.replaceAll(/\{[^}]*\}/g, 'aaaaaaaa');

interface AuditJson {
  readonly entries: readonly {
    readonly at: string;
    readonly by: string;
    readonly role?: string;
    readonly address: string;
    readonly action: string;
    readonly target: string;
    readonly outcome: string;
    readonly before?: string;
    readonly after?: string;
  }[];
}

test('each operation is carried out for its role and those above it, and for nobody else', async (t) => {
  const bench = await startAdminBench(t, input);
  const operations = await listOperations(bench);
  assert.ok(operations.length > 20);
  for (const { method, path, role } of operations) {
    const what = `${method} ${path}`;
    for (const token of [undefined, 'wrong-0123456789abcdef', `${roleTokens.ann.token}x`]) {
      const { status, code } = await askStatus(bench.port, fill(path), { method, token });
      assert.deepEqual([status, code], [401, 'GH_ADMIN_WRONG_TOKEN'], what);
    }
    for (const { role: shown, token } of Object.values(roleTokens)) {
      const { status, code, detail } = await askStatus(bench.port, fill(path), { method, token });
      if (operatorRoles.indexOf(shown) >= operatorRoles.indexOf(role)) {
        assert.ok(status !== 401 && status !== 403, `${what} as ${shown}: ${status} ${code}`);
      } else {
        assert.deepEqual([status, code], [403, 'GH_ADMIN_ROLE_NEEDED'], `${what} as ${shown}`);
        assert.match(detail ?? '', new RegExp(`it needs the role \`${role}\``));
      }
    }
  }
});

test('what only looks needs the least role, and what replaces the configuration the highest', async (t) => {
  const bench = await startAdminBench(t, input);
  const operations = await listOperations(bench);
  for (const { method, path, role } of operations) if (method === 'GET') assert.equal(role, 'read', path);
  const ofAdmins = operations.filter(({ role }) => role === 'admin').map(({ method, path }) => `${method} ${path}`);
  assert.deepEqual(ofAdmins, ['PUT /api/configuration', 'POST /api/configuration/check', 'POST /api/history/{hash}/rollback']);
});

test('a page of another site can do nothing, whatever token it has', async (t) => {
  const bench = await startAdminBench(t, input);
  for (const { method, path } of await listOperations(bench)) {
    for (const headers of [{ origin: 'https://evil.test' }, { 'sec-fetch-site': 'cross-site' }]) {
      const { status, body } = await bench.ask(method, fill(path), { headers });
      assert.deepEqual([status, JSON.parse(body).code], [403, 'GH_ADMIN_CROSS_SITE'], `${method} ${path}`);
    }
  }
});

const tricks = [
  '/api//routes',
  '/api/routes/',
  '/api/./routes',
  '/api/%2e/routes',
  '/api/x/../routes',
  '/api/%2e%2e/api/routes',
  '/api/x/%2e%2e/configuration',
  '/api/%72outes',
  '/api%2froutes',
  '/api/routes%2f',
  '/api/routes%00',
  '/api/routes;x=1',
  '/api\\routes',
  '/API/routes',
  '/api/Routes',
  '//api/routes',
  'http://admin/api/routes',
];

test('a path that is written in another way than the document writes it leads nowhere', async (t) => {
  const bench = await startAdminBench(t, input);
  assert.equal((await bench.ask('GET', '/api/routes')).status, 200);
  for (const path of tricks) for (const method of ['GET', 'PUT']) assert.equal((await bench.ask(method, path)).status, 404, path);
  // As a name that is not there, and not as two segments.
  assert.equal((await bench.ask('GET', '/api/services/orders%2fendpoints')).status, 404);
  assert.equal(
    (await bench.ask('POST', '/api/services/..%2f..%2fconfiguration/endpoints', { json: { url: 'http://a:1' } })).status,
    404,
  );
});

test('a body that is too large is refused before it is held, and only configurations may be large', async (t) => {
  const bench = await startAdminBench(t, input);
  const text = ' '.repeat(limits.adminBodyBytesMax);
  const purge = await bench.ask('POST', '/api/cache/purge', { json: { tag: text } });
  assert.deepEqual([purge.status, JSON.parse(purge.body).code], [413, 'GH_ADMIN_BODY_TOO_LARGE']);
  const check = await bench.read<{ ok: boolean }>('POST', '/api/configuration/check', { json: { text: `version: 1 #${text}` } });
  assert.equal(check.ok, false);
  const huge = { json: { text: ' '.repeat(limits.adminConfigurationBytesMax) } };
  assert.equal((await bench.ask('PUT', '/api/configuration', huge)).status, 413);
  // Whoever may not apply is refused without being listened to.
  const reader = await bench.ask('PUT', '/api/configuration', { ...huge, token: roleTokens.rea.token });
  assert.equal(reader.status, 403);
  const { entries } = await bench.read<AuditJson>('GET', '/api/audit');
  assert.deepEqual(
    entries.map(({ action, outcome }) => [action, outcome]),
    [
      ['PUT /api/configuration', 'GH_ADMIN_ROLE_NEEDED'],
      ['PUT /api/configuration', 'GH_ADMIN_BODY_TOO_LARGE'],
      ['POST /api/configuration/check', 'done'],
      ['POST /api/cache/purge', 'GH_ADMIN_BODY_TOO_LARGE'],
    ],
  );
});

test('the audit log tells who changed what, and who tried to', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gatehouse-audit-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'audit.log');
  const admin = { address: '127.0.0.1:0', audit: { file } };
  const bench = await startAdminBench(t, { ...input, admin });
  const endpoint = '/api/services/orders/endpoints';
  assert.equal(
    (await bench.ask('POST', endpoint, { json: { url: 'http://127.0.0.1:2' }, token: roleTokens.opa.token })).status,
    201,
  );
  const id = Buffer.from('http://127.0.0.1:2').toString('base64url');
  assert.equal((await bench.ask('PATCH', `${endpoint}/${id}`, { json: { weight: 7 } })).status, 200);
  assert.equal((await bench.ask('DELETE', `${endpoint}/${id}`, { token: roleTokens.rea.token })).status, 403);
  assert.equal((await bench.ask('DELETE', `${endpoint}/${id}`, { token: 'wrong' })).status, 401);
  assert.equal((await bench.ask('DELETE', `${endpoint}/none`)).status, 404);
  assert.equal((await bench.ask('GET', '/api/services')).status, 200);
  const { entries } = await bench.read<AuditJson>('GET', '/api/audit');
  const shown = entries.map(({ by, role, address, action, target, outcome }) => ({ by, role, address, action, target, outcome }));
  const of = (by: string, role: string | undefined, what: string, outcome: string) => {
    const [method, target] = what.split(' ');
    const action = `${method} ${method === 'POST' ? '/api/services/{name}/endpoints' : '/api/services/{name}/endpoints/{id}'}`;
    return { by, role, address: '127.0.0.1', action, target, outcome };
  };
  assert.deepEqual(shown, [
    of('ann', 'admin', `DELETE ${endpoint}/none`, 'GH_ADMIN_NO_ENDPOINT'),
    of('unknown', undefined, `DELETE ${endpoint}/${id}`, 'GH_ADMIN_WRONG_TOKEN'),
    of('rea', 'read', `DELETE ${endpoint}/${id}`, 'GH_ADMIN_ROLE_NEEDED'),
    of('ann', 'admin', `PATCH ${endpoint}/${id}`, 'done'),
    of('opa', 'operate', `POST ${endpoint}`, 'done'),
  ]);
  const patch = entries[3]!;
  assert.equal(JSON.parse(patch.before ?? '{}').weight, 1);
  assert.equal(JSON.parse(patch.after ?? '{}').weight, 7);
  await eventually(
    () => existsSync(file) && readFileSync(file, 'utf8').split('\n').length === entries.length + 1,
    'all entries are written',
  );
  const lines = readFileSync(file, 'utf8').trim().split('\n');
  assert.deepEqual(lines.map((line) => JSON.parse(line)).reverse(), entries);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});
