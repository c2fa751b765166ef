import assert from 'node:assert/strict';
import { test } from 'node:test';
import { policyOrder } from '#policies/registry.ts';
import { loadConfigurationText } from './load.ts';

/** The lines of an aggregate, which begins at line 7 and is indented by eight. */
function write(aggregate: string): string {
  const lines = aggregate.trim().split('\n');
  return `version: 1
listeners: { web: { address: ":8080" } }
services: { users: { endpoints: [http://a:1] }, raw: { endpoints: [tcp://a:1] } }
routes:
  view:
    match: { path: "/view/:id" }
    to: { aggregate: {
${lines.map((line) => `        ${line.trim()}\n`).join('')}      } }
`;
}

async function load(aggregate: string) {
  return loadConfigurationText(write(aggregate), '/etc/gatehouse.yaml', { policies: policyOrder, env: {} });
}

async function issuesOf(aggregate: string): Promise<string[]> {
  const { issues } = await load(aggregate);
  return issues.map(({ line, column, message }) => `${line! - 7}:${column} ${message}`);
}

test('calls wait for those that they refer to, wherever they do', async () => {
  const { configuration, issues } = await load(`
    calls: {
      a: { service: users, path: /a },
      b: { service: users, path: "/b/\${calls.a.body.id}" },
      c: { service: users, path: /c, query: { x: "\${calls.b.status}" }, headers: { y: "\${calls.a.header.Z}" } },
      d: { service: users, path: /d, body: { list: ["\${calls.c.body}"] } },
      e: { service: users, path: "/\${item}", each: "\${calls.d.body}", after: [a] },
      f: { service: users, path: /f, when: { exists: "\${calls.e.body}" } } },
    answer: "\${calls.f.body}"`);
  assert.deepEqual(issues, []);
  const to = configuration?.routes['view']?.to;
  assert.ok(to?.kind === 'aggregate');
  assert.deepEqual(
    to.calls.map(({ after }) => after),
    [[], [0], [0, 1], [2], [0, 3], [4]],
  );
  assert.deepEqual(
    to.calls.map(({ method, isRead }) => [method, isRead]),
    [
      ['GET', true],
      ['GET', false],
      ['GET', true],
      ['POST', true],
      ['GET', true],
      ['GET', true],
    ],
  );
  assert.equal(to.requestBytesMax, undefined);
});

const answer = 'answer: "${calls.a.body}"';
const a = 'a: { service: users, path: /a }';

const mistakes: readonly { aggregate: string; issues: readonly (string | RegExp)[] }[] = [
  { aggregate: `calls: {}, ${answer}`, issues: [/there is no call; give at least one/] },
  {
    aggregate: `calls: { ${a} },\nanswer: { x: [1, "\${calls.b.body}"] }`,
    issues: ['2:26 `${calls.b.body}`: there is no call `b`; did you mean `a`?'],
  },
  {
    aggregate: `calls: { ${a},\nother: { service: users, path: "/\${calls.ohter.body}" } }, ${answer}`,
    issues: [/^2:\d+ `\$\{calls\.ohter\.body\}`: there is no call `ohter`; did you mean `other`\?$/],
  },
  {
    aggregate: `calls: { a: { service: users, path: "/\${calls.a.bdy}" } }, ${answer}`,
    issues: [/did you mean `\$\{calls\.a\.body\}`\?/],
  },
  {
    aggregate: `calls: { a: { service: users, path: "/\${calls.a.body.id}" } }, ${answer}`,
    issues: [/the call `a` waits for its own answer/],
  },
  {
    aggregate: `calls: { ${a},\nb: { service: users, path: /b, after: [d] },\nc: { service: users, path: "/\${calls.b.status}" },\nd: { service: users, path: "/\${calls.c.status}" } }, ${answer}`,
    issues: [/^2:\d+ these calls wait for each other, so that none of them could begin: b → d → c → b$/],
  },
  {
    aggregate: `calls: { a: { service: user, path: /a } }, ${answer}`,
    issues: [/there is no service `user`; did you mean `users`\?/],
  },
  { aggregate: `calls: { a: { service: raw, path: /a } }, ${answer}`, issues: [/are `tcp`, which takes bytes and no requests/] },
  {
    aggregate: `calls: { a: { service: users, path: "/a b" } }, ${answer}`,
    issues: [/percent-encoded, such as `%20` for a space/],
  },
  { aggregate: `calls: { a: { service: users, path: "/a\\r\\nx: y" } }, ${answer}`, issues: [/percent-encoded/] },
  { aggregate: `calls: { a: { service: users, path: a } }, ${answer}`, issues: [/"a" must begin with `\/`/] },
  { aggregate: `calls: { a: { service: users, path: "/a?b=c" } }, ${answer}`, issues: [/a path has no query or fragment/] },
  { aggregate: `calls: { a: { service: users, path: "/\${path.ip}" } }, ${answer}`, issues: [/does not capture `ip`.*path\.id/] },
  {
    aggregate: `calls: { a: { service: users, path: "/\${item.id}" } }, ${answer}`,
    issues: [/is an item of `each`, which this call does not have/],
  },
  {
    aggregate: `calls: { ${a}, b: { service: users, path: "/\${item}", each: "\${calls.a.body}" } }, answer: "\${calls.b.status}"`,
    issues: [/is made for each item, so it has many answers; only their bodies can be used/],
  },
  {
    aggregate: `calls: { a: { service: users, path: /a, method: GET, body: { x: 1 } } }, ${answer}`,
    issues: [/GET has no body/],
  },
  {
    aggregate: `calls: { a: { service: users, path: /a, pass: [404], expect: ["200-404"] } }, ${answer}`,
    issues: [/404 is among the statuses that `expect` calls good/],
  },
  {
    aggregate: `calls: { a: { service: users, path: /a, when: "request.pth == \\"x\\"" } }, ${answer}`,
    issues: [/the expression, column \d+: no such.*pth/i],
  },
  { aggregate: `calls: { a: { service: users, path: /a, when: { exist: 1 } } }, ${answer}`, issues: [/exist/] },
  {
    aggregate: `calls: { a: { service: users, path: /a, headers: { host: x } } }, ${answer}`,
    issues: [/the gateway decides `host`/],
  },
  { aggregate: `calls: { "a.b": { service: users, path: /a } }, answer: 1`, issues: [/is not a name for a call/] },
  { aggregate: `calls: { ${a} }, ${answer}, status: 204`, issues: [/an answer with this status has no body/] },
  {
    aggregate: `calls: { ${a} }, ${answer}, forward: [accept, Accept-Encoding]`,
    issues: [/is about the answer that the client gets/],
  },
  { aggregate: `calls: { ${a} }`, issues: [/give `answer` or `compose`/] },
  { aggregate: `calls: { ${a} }, ${answer}, compose: "./x.ts#y"`, issues: [/give `answer` or `compose`/] },
  { aggregate: `calls: { ${a} }, compose: ./x.ts`, issues: [/names no function; write a file and the name of what it exports/] },
  { aggregate: `calls: { ${a} }, answer: [1], partialField: x`, issues: [/the answer is no map/] },
  { aggregate: `calls: { ${a} }, answer: { x: 1 }, partialField: x`, issues: [/the answer has a member `x` already/] },
  { aggregate: `calls: { ${a} }, ${answer}, timeuot: 1s`, issues: [/unknown key `timeuot`; did you mean `timeout`\?/] },
  {
    aggregate: `calls: { ${Array.from({ length: 33 }, (_, i) => `c${i}: { service: users, path: /a }`).join(', ')} }, answer: 1`,
    issues: [/there are 33 calls; at most 32/],
  },
];

for (const { aggregate, issues } of mistakes) {
  test(`is refused: ${String(issues[0])}`, async () => {
    const found = await issuesOf(aggregate);
    assert.equal(found.length, issues.length, found.join('\n'));
    for (const [i, expected] of issues.entries())
      if (typeof expected === 'string') assert.equal(found[i], expected);
      else assert.match(found[i]!, expected);
  });
}
