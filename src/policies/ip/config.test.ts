import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfigurationText } from '#config/load.ts';
import { ipConfig } from './config.ts';
import { ipPolicy } from './policy.ts';

test('takes addresses, ranges and files, and enforces unless told otherwise', () => {
  const lists = { allow: ['10.0.0.0/8', '::1'], deny: ['10.9.8.7', { file: './blocked.txt' }, '2001:DB8::/32'] };
  assert.deepEqual(ipConfig.parse(lists), { mode: 'enforce', ...lists });
  assert.deepEqual(ipConfig.parse({ mode: 'report', deny: [{ file: 'a' }] }), { mode: 'report', deny: [{ file: 'a' }] });
});

test('refuses what cannot be', () => {
  for (const config of [
    {},
    { mode: 'report' },
    { mode: 'off', deny: ['10.0.0.1'] },
    { allow: [] },
    { deny: [] },
    { deny: '10.0.0.1' },
    { deny: [10] },
    { deny: [{ file: '' }] },
    { deny: [{ file: './a', url: 'x' }] },
    { deny: [{}] },
    { block: ['10.0.0.1'] },
    { countries: {} },
    { countries: { unknown: 'deny' } },
    { countries: { allow: [] } },
    { countries: { allow: ['CHE'] } },
    { countries: { allow: ['UK'] } },
    { countries: { allow: ['Switzerland'] } },
    { countries: { deny: ['C1'] } },
    { countries: { deny: ['CH'], unknown: 'maybe' } },
    { countries: ['CH'] },
  ])
    assert.equal(ipConfig.safeParse(config).success, false, JSON.stringify(config));
});

/** What is said of one entry, and where. */
async function findIssue(entry: string): Promise<string> {
  const text = `version: 1
listeners: { web: { address: ":8080" } }
routes:
  all:
    match: { path: /* }
    to: { respond: { text: ok } }
    policies:
      ip:
        deny:
          - 192.0.2.1
          - ${JSON.stringify(entry)}
`;
  const { issues } = await loadConfigurationText(text, 'g.yaml', { policies: [ipPolicy], env: {} });
  return issues.map(({ file, line, column, message }) => `${file}:${line}:${column} ${message}`).join('\n');
}

const said: Readonly<Record<string, string>> = {
  '10.1.2.3/8':
    '"10.1.2.3/8" has bits of its address set behind the prefix length; write `10.0.0.0/8` for the range or `10.1.2.3` for the one address',
  '2001:db8::1/64':
    '"2001:db8::1/64" has bits of its address set behind the prefix length; write `2001:db8::/64` for the range or `2001:db8::1` for the one address',
  '10.0.0.0/33': '"10.0.0.0/33" has no valid prefix length; after an IPv4 address write `/0` to `/32`',
  '10.0.0.0/08': '"10.0.0.0/08" has no valid prefix length; after an IPv4 address write `/0` to `/32`',
  '::/129': '"::/129" has no valid prefix length; after an IPv6 address write `/0` to `/128`',
};
for (const text of [
  'fe80::1%eth0',
  '010.0.0.1',
  '10.0.0.1-10.0.0.9',
  '10.0.0',
  '0x0a000001',
  '10.*',
  'localhost',
  ' 10.0.0.1',
  '',
])
  Object.assign(said, {
    [text]: `"${text}" is not an address or range; write \`10.0.0.0/8\`, \`2001:db8::/32\` or \`192.0.2.7\``,
  });

for (const [entry, message] of Object.entries(said)) {
  test(`refuses ${JSON.stringify(entry)} where it stands, and says what would be right`, async () =>
    assert.equal(await findIssue(entry), `g.yaml:11:13 ${message}`));
}

test('takes the nearest entries that are right', async () => {
  for (const entry of ['10.0.0.0/8', '2001:db8::/64', '10.0.0.0/32', '0.0.0.0/0', '::/128', 'fe80::1', '::ffff:10.0.0.1'])
    assert.equal(await findIssue(entry), '', entry);
});

test('countries need a database that tells them, wherever they are named', async () => {
  const find = async (geo: string) => {
    const text = `version: 1
listeners: { web: { address: ":8080", policies: { ip: { countries: { allow: [ch] } } } } }
${geo}
policies: { ip: { deny: [10.0.0.1] } }
routes:
  all: { match: { path: /* }, to: { respond: { text: ok } }, policies: { ip: { countries: { deny: [GB] } } } }
`;
    const { issues } = await loadConfigurationText(text, '/gatehouse.yaml', { policies: [ipPolicy], env: {} });
    return issues.map(({ path, message }) => [path.join('.'), message]);
  };
  const message = 'no database tells countries; name one with `geo: { database: PATH }`';
  assert.deepEqual(await find(''), [
    ['listeners.web.policies.ip.countries', message],
    ['routes.all.policies.ip.countries', message],
  ]);
  assert.deepEqual(await find('geo: { database: ./countries.mmdb }'), []);
});
