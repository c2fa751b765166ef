/** The compiler takes aggregates that fit the documents of services, and refuses those that do not, line by line. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { runTypes } from '#cli/service-types.ts';
import { runCommand } from '#test/support/command.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'gatehouse-typed-'));
after(() => rmSync(folder, { recursive: true }));

const head = `import { aggregate, defineGateway, forEach, mapping, request } from 'gatehouse';
import { everyThing, orders, users } from './services.ts';
export const { each, equals, exists, itemAt, join, merge, mergeBy, omit, orDefault, pick, required, text } = mapping;
const base = aggregate()
  .call('user', users.getUser({ id: request.path('id') }))
  .call('orders', ({ user }) => orders.listOrders({ customer: user.body.id }))
  .call('news', orders.listNews({ region: 'eu' }, { optional: true }))
  .call('thing', everyThing.getThing({ 'path.id': 1, kind: 'big', 'x-tenant': text\`a-\${request.path('id')}\` }));
export const listeners = { web: { address: ':80' } };
export { aggregate, base, defineGateway, everyThing, forEach, orders, request, users };
`;

/** What is wrong, and how it would be right. */
const lines: readonly (readonly [wrong: string, right: string])[] = [
  // Operations and their parameters.
  ['users.getUsr({ id: 1 })', 'users.getUser({ id: 1 })'],
  ['users.getUser()', 'users.getUser({ id: request.path("id") })'],
  ['users.getUser({})', 'users.getUser({ id: request.query("id") })'],
  ['users.getUser({ id: "x" })', 'users.getUser({ id: 7 })'],
  ['users.getUser({ id: 1, limit: 2 })', 'orders.listOrders({ customer: 1, limit: 2 })'],
  ['orders.listNews({ region: "asia" })', 'orders.listNews({ region: "us" })'],
  [
    'users.getUser({ id: 1 }, { timeuot: "1s" })',
    'users.getUser({ id: 1 }, { timeout: "1s", headers: { a: request.header("a") } })',
  ],
  ['users.getUser({ id: 1 }, { pass: ["404"] })', 'users.getUser({ id: 1 }, { pass: [404], cache: "5s" })'],
  [
    'everyThing["PUT /things/{id}"]({ id: 1 })',
    'everyThing["PUT /things/{id}"]({ id: 1, body: { id: 1, parts: ["a"], pair: ["a"] } })',
  ],
  ['everyThing["PUT /things/{id}"]({ id: 1, body: { id: 1 } })', 'everyThing["patch-thing"]({ id: 1 })'],
  ['everyThing["patch-thing"]({ id: 1, body: { name: 1 } })', 'everyThing["patch-thing"]({ id: 1, body: { name: "a" } })'],
  // References to other calls.
  [
    'base.call("x", ({ user }) => users.getUser({ id: user.body.name }))',
    'base.call("x", ({ user }) => users.getUser({ id: user.body.id }))',
  ],
  [
    'base.call("x", ({ user }) => orders.listNews({ region: user.body.name }))',
    'base.call("x", ({ user }) => orders.listNews({ region: user.body.region }))',
  ],
  [
    'base.call("x", ({ user }) => orders.getPart({ sku: user.body.email }))',
    'base.call("x", ({ user }) => orders.getPart({ sku: user.body.name }))',
  ],
  [
    'base.call("x", ({ user }) => orders.getPart({ sku: orDefault(user.body.name, "a") }))',
    'base.call("x", ({ user }) => orders.getPart({ sku: text`${user.body.name}` }))',
  ],
  [
    'base.call("x", ({ news }) => orders.getPart({ sku: itemAt(news.body, 0) }))',
    'base.call("x", ({ news }) => orders.getPart({ sku: required(itemAt(news.body, 0)) }))',
  ],
  [
    'base.call("x", ({ thing }) => users.getUser({ id: thing.body.id }))',
    'base.call("x", ({ thing }) => users.getUser({ id: required(thing.body.id) }))',
  ],
  [
    'base.call("x", ({ x }) => users.getUser({ id: x.body.id }))',
    'base.call("x", ({ user: { body } }) => users.getUser({ id: body.id }))',
  ],
  [
    'aggregate().call("x", ({ user }) => users.getUser({ id: user.body.id }))',
    'aggregate().call("x", { service: "any", path: "/" }).answer(({ x }) => x.body["a"])',
  ],
  ['base.call("user", users.getUser({ id: 1 }))', 'base.call("other", users.getUser({ id: 1 }))'],
  [
    'base.call("x", ({ user }) => forEach(user.body, () => users.getUser({ id: 1 })))',
    'base.call("x", (calls) => forEach(calls.orders.body.items, (item) => orders.getPart({ sku: item.sku }), { max: 5 }))',
  ],
  [
    'base.call("x", (calls) => forEach(calls.orders.body.items, (item) => orders.getPart({ sku: item.count })))',
    'base.call("x", (calls) => forEach(calls.orders.body.items, ({ sku }) => orders.getPart({ sku })))',
  ],
  [
    'base.call("x", ({ user }) => users.getUser({ id: 1 }, { when: user.body.region }))',
    'base.call("x", ({ user }) => users.getUser({ id: 1 }, { when: equals(user.body.region, "eu") }))',
  ],
  [
    'base.call("x", ({ user }) => users.getUser({ id: 1 }, { when: equals(user.body.region, "asia") }))',
    'base.call("x", users.getUser({ id: 1 }, { when: exists(request.query("q")) }))',
  ],
  // Answers.
  ['base.answer(({ user }) => user.body.naem)', 'base.answer(({ user }) => user.body.name)'],
  ['base.answer(({ user }) => user.bdy)', 'base.answer(({ user }) => [user.body, user.status, user.header("etag")])'],
  ['base.answer(({ nobody }) => nobody.body)', 'base.answer(({ thing }) => thing.body.parent.parent.name)'],
  ['base.answer((calls) => calls.orders.body.items.sku)', 'base.answer((calls) => itemAt(calls.orders.body.items, 0).sku)'],
  ['base.answer(({ user }) => pick(user.body, ["naem"]))', 'base.answer(({ user }) => pick(user.body, ["name", "id"]))'],
  [
    'base.answer((calls) => each(calls.orders.body.items, (item) => item.skew))',
    'base.answer((calls) => each(calls.orders.body.items, (item) => ({ sku: item.sku })))',
  ],
  [
    'base.answer((calls) => each(calls.user.body, (item) => item))',
    'base.answer((calls) => each(calls.news.body, (line) => ({ line })))',
  ],
  ['base.answer(({ user }) => text`${user.body}`)', 'base.answer(({ user }) => text`${user.body.name}, ${user.body.id}`)'],
  [
    'base.answer((calls) => join(calls.orders.body.items, calls.orders.body.items, { by: "id" }))',
    'base.answer((calls) => join(calls.orders.body.items, calls.orders.body.items, { by: "sku" }))',
  ],
  [
    'base.answer(({ thing }) => thing.body.pet.wings)',
    'base.answer(({ thing }) => [thing.body.pet.lives, thing.body.pet.kind, thing.body.free["a"], thing.body.counts["b"]])',
  ],
  ['base.answer(({ thing }) => thing.body.none["a"].b)', 'base.answer(({ thing }) => thing.body.rest["b"])'],
  [
    'base.answer<{ name: string }>(({ user }) => ({ name: user.body.id }))',
    'base.answer<{ name: string }>(({ user }) => ({ name: user.body.name }))',
  ],
  [
    'base.answer<{ name: string; id: number }>(({ user }) => ({ name: user.body.name }))',
    'base.answer<{ id: number }>(({ user }) => pick(user.body, ["id"]))',
  ],
  [
    'base.answer<{ news: string[] }>(({ news }) => ({ news: news.body }))',
    'base.answer<{ news?: string[] }>(({ news }) => ({ news: news.body }))',
  ],
  [
    'base.answer<{ email: string }>(({ user }) => ({ email: user.body.email }))',
    'base.answer<{ email: string }>(({ user }) => ({ email: orDefault(user.body.email, "") }))',
  ],
  [
    'base.answer<{ a: number; b: 1 }>(({ user }) => merge({ a: user.body.id }, { b: "x" }))',
    'base.answer<{ a: number; b: string }>(({ user }) => merge({ a: user.body.id }, { b: "x" }))',
  ],
  [
    'base.answer<{ id: string }[]>((calls) => each(calls.orders.body.items, (item) => ({ id: item.count })))',
    'base.answer<{ id: string }[]>((calls) => each(calls.orders.body.items, (item) => ({ id: item.sku })))',
  ],
  ['base.headers(({ user }) => ({ a: user.body }))', 'base.headers(({ user }) => ({ a: user.body.region }))'],
  // The rest of the configuration.
  [
    'defineGateway({ version: 1, listeners, routs: {} })',
    'defineGateway({ version: 1, listeners, routes: { a: { match: { path: "/a" }, to: base.compose("./a.ts#a") } } })',
  ],
  ['aggregate({ partialFeild: "a" })', 'aggregate({ partialField: "a", timeout: "2s" })'],
];

/** The import, and the beginning of the list; lines are counted from 1. */
const LINES_BEFORE = 3;

const options = {
  target: 'esnext',
  lib: ['esnext'],
  module: 'nodenext',
  types: ['node'],
  typeRoots: [join(repository, 'node_modules/@types')],
  paths: { gatehouse: [join(repository, 'src/gatehouse.ts')] },
  allowImportingTsExtensions: true,
  resolveJsonModule: true,
  noEmit: true,
  strict: true,
  skipLibCheck: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
};

/** Which of `lines` the compiler refuses, and what it says of other files. What it says of the gateway itself is checked elsewhere. */
async function compile() {
  const project = { compilerOptions: options, files: ['right.ts', 'wrong.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project));
  const tsc = join(repository, 'node_modules/typescript/bin/tsc');
  const { stdout } = await run(process.execPath, [tsc, '--pretty', 'false', '-p', folder], { cwd: folder }).catch(
    (error: { readonly stdout: string }) => error,
  );
  const refused = new Set<number>();
  const others: string[] = [];
  for (const said of stdout.split('\n').filter((line) => /^[^\s.]/.test(line))) {
    const line = /^wrong\.ts\((\d+),\d+\): error TS/.exec(said)?.[1];
    if (line === undefined) others.push(said);
    else refused.add(Number(line) - LINES_BEFORE);
  }
  return { refused, others };
}

test('the compiler refuses each mistake and nothing else', async () => {
  const at = (path: string) => join(repository, path);
  const documents = [
    `every-thing=${at('src/openapi/testdata/services.yaml')}`,
    ...['users', 'orders'].map((name) => `${name}=${at(`examples/one-request/typed/${name}.yaml`)}`),
  ];
  const { stderr } = await runCommand(runTypes, [...documents, '--out', 'services.ts'], folder);
  assert.equal(stderr, '');
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  writeFileSync(join(folder, 'head.ts'), head);
  const names =
    'aggregate, base, defineGateway, each, equals, everyThing, exists, forEach, itemAt, join, listeners, merge, orDefault, orders, pick, request, required, text, users';
  for (const [file, which] of [
    ['wrong', 0],
    ['right', 1],
  ] as const)
    writeFileSync(
      join(folder, `${file}.ts`),
      `import { ${names} } from './head.ts';\nexport const all = [\n${lines.map((line) => `${line[which]},\n`).join('')}];\n`,
    );
  const { refused, others } = await compile();
  assert.deepEqual(others, []);
  assert.deepEqual(
    lines.filter((_, i) => !refused.has(i)).map(([wrong]) => wrong),
    [],
  );
});
