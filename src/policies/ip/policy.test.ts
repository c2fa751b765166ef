import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeAddressRanges } from '#base/address-ranges-writer.ts';
import { toCountryNumber } from '#base/country-table.ts';
import { parseCidr } from '#base/ip.ts';
import type { LogFields } from '#base/logger.ts';
import { runAtOnce } from '#base/slices.ts';
import { createPolicyBench, type PolicyBench, plan } from '#test/support/policy-bench.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { ipPolicy } from './policy.ts';

/** As a file with these lines is read. */
function toImage(lines: readonly string[]): ArrayBufferLike {
  const listed = lines.map((cidr, i) => ({ range: parseCidr(cidr)!, line: i + 1 }));
  return runAtOnce(writeAddressRanges(listed, (bytes) => new SharedArrayBuffer(bytes)));
}

async function benchWith(config: unknown, addressLists: Readonly<Record<string, ArrayBufferLike>> = {}): Promise<PolicyBench> {
  return createPolicyBench({ policies: [await plan(ipPolicy, config, { addressLists })] });
}

/** By address: whether it may pass. */
async function assertPasses(bench: PolicyBench, expected: Readonly<Record<string, boolean>>): Promise<void> {
  for (const [clientAddress, passes] of Object.entries(expected))
    assert.equal((await bench.send({ clientAddress })).status, passes ? 200 : 403, clientAddress);
}

test('with `deny` alone, everybody else may pass', async () => {
  const bench = await benchWith({ deny: ['203.0.113.0/24', '2001:db8:bad::/48'] });
  await assertPasses(bench, {
    '203.0.112.255': true,
    '203.0.113.0': false,
    '203.0.113.255': false,
    '203.0.114.0': true,
    '2001:db8:bad::': false,
    '2001:db8:bad:ffff:ffff:ffff:ffff:ffff': false,
    '2001:db8:bae::': true,
  });
});

test('with `allow`, everybody else is refused', async () => {
  const bench = await benchWith({ allow: ['10.0.0.0/8', '::1'] });
  await assertPasses(bench, { '10.0.0.1': true, '11.0.0.0': false, '::1': true, '::2': false });
});

test('`deny` goes before `allow`, whichever is narrower', async () => {
  await assertPasses(await benchWith({ allow: ['10.0.0.0/8'], deny: ['10.1.0.0/16'] }), {
    '10.0.0.1': true,
    '10.1.0.1': false,
    '10.2.0.1': true,
  });
  await assertPasses(await benchWith({ allow: ['10.1.0.0/16'], deny: ['10.0.0.0/8'] }), { '10.1.0.1': false });
});

test('an address is the same in every spelling', async () => {
  const denied = [
    '203.0.113.9',
    '::ffff:203.0.113.9',
    '::FFFF:cb00:7109',
    '0:0:0:0:0:ffff:203.0.113.9',
    '0000:0000:0000:0000:0000:ffff:cb00:7109',
    '2001:db8::1',
    '2001:DB8::1',
    '2001:0db8:0000:0000:0000:0000:0000:0001',
    '2001:db8:0:0:0:0:0.0.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'FE80:0::0:1%25',
  ];
  const bench = await benchWith({ deny: ['203.0.113.9', '2001:db8::1', 'fe80::1'] });
  await assertPasses(bench, Object.fromEntries(denied.map((address) => [address, false])));
  await assertPasses(bench, { '203.0.113.10': true, '2001:db8::2': true, '::203.0.113.9': true, '64:ff9b::203.0.113.9': true });
});

test('a client without an address is in no list', async () => {
  for (const clientAddress of ['', 'unknown']) {
    await assertPasses(await benchWith({ deny: ['0.0.0.0/0', '::/0'] }), { [clientAddress]: true });
    await assertPasses(await benchWith({ allow: ['0.0.0.0/0', '::/0'] }), { [clientAddress]: false });
  }
});

test('a refusal tells the client nothing, and the log which rule of which list it was', async () => {
  const lists = { '/lists/blocked.txt': toImage(['192.0.2.0/24', '198.51.100.0/25']) };
  const bench = await benchWith({ allow: ['0.0.0.0/0'], deny: ['203.0.113.7', { file: '/lists/blocked.txt' }] }, lists);
  const answers = [];
  for (const clientAddress of ['203.0.113.7', '198.51.100.7', '2001:db8::1'])
    answers.push(await bench.send({ clientAddress, method: 'POST', body: ['abc'] }));
  assert.deepEqual(
    answers.map(({ exchange }) => exchange.error?.detail),
    [
      { list: 'deny', rule: '203.0.113.7' },
      { list: 'deny', rule: '198.51.100.0/25', from: '/lists/blocked.txt:2' },
      { list: 'allow' },
    ],
  );
  for (const answer of answers) {
    assert.deepEqual(answer.json(), {
      type: 'about:blank',
      title: 'Forbidden',
      status: 403,
      detail: 'Access is denied.',
      code: 'GH_IP_REFUSED',
      requestId: 'bench-request',
    });
    assert.deepEqual(answer.fields, answers[0]!.fields);
  }
  assert.equal(bench.seen.length, 0, 'the service hears of none');
});

test('`report` lets everybody pass, and says who would be refused: each in the access log, a flood in one line of the other', async () => {
  const logged: (LogFields | undefined)[] = [];
  const logger = { log: (_level: string, _message: string, fields?: LogFields) => void logged.push(fields) };
  const config = { mode: 'report', deny: ['203.0.113.0/24'] };
  const bench = createPolicyBench({ policies: [await plan(ipPolicy, config, { logger })] });
  for (const clientAddress of ['203.0.113.7', '203.0.113.8', '203.0.114.1'])
    assert.equal((await bench.send({ clientAddress })).status, 200);
  assert.deepEqual(
    bench.finished.map(({ error, reported }) => [error, reported?.code, reported?.detail]),
    [
      [undefined, 'GH_IP_REFUSED', { list: 'deny', rule: '203.0.113.0/24' }],
      [undefined, 'GH_IP_REFUSED', { list: 'deny', rule: '203.0.113.0/24' }],
      [undefined, undefined, undefined],
    ],
  );
  assert.deepEqual(logged, [{ clientAddress: '203.0.113.7', list: 'deny', rule: '203.0.113.0/24' }]);
});

test('a request body is not waited for', async () => {
  const bench = await benchWith({ deny: ['198.51.100.7'] });
  const { exchange } = await bench.send({ method: 'POST', body: ['a', 'b'] });
  assert.deepEqual([exchange.status, exchange.requestBytes], [403, 0]);
});

test('a change counts from the next request on', async () => {
  const bench = await benchWith({ deny: [{ file: '/a' }] }, { '/a': toImage(['198.51.100.7']) });
  await assertPasses(bench, { '198.51.100.7': false });
  bench.reload([await plan(ipPolicy, { deny: [{ file: '/a' }] }, { addressLists: { '/a': toImage(['198.51.100.8']) } })]);
  await assertPasses(bench, { '198.51.100.7': true, '198.51.100.8': false });
});

const SWISS = '192.0.2.1';
const GERMAN = '2001:db8::1';
const FRENCH = '198.51.100.1';
const UNKNOWN = '10.0.0.1';

const networks = { '192.0.2.0/24': 'CH', '2001:db8::/32': 'DE', '198.51.100.0/24': 'FR' };

function toCountryImage(): ArrayBufferLike {
  const listed = Object.entries(networks).map(([cidr, country]) => ({ range: parseCidr(cidr)!, line: toCountryNumber(country) }));
  return runAtOnce(writeAddressRanges(listed, (bytes) => new SharedArrayBuffer(bytes)));
}

async function benchByCountry(config: object): Promise<PolicyBench> {
  return createPolicyBench({ policies: [await plan(ipPolicy, config, { countries: toCountryImage() })] });
}

test('allows and denies by country, also beside addresses', async () => {
  for (const [config, swiss, german, french, unknown] of [
    [{ countries: { allow: ['CH'] } }, true, false, false, false],
    [{ countries: { allow: ['CH', 'de'] } }, true, true, false, false],
    [{ countries: { deny: ['DE'] } }, true, false, true, true],
    [{ countries: { allow: ['CH', 'DE'], deny: ['DE'] } }, true, false, false, false],
    [{ countries: { allow: ['CH'], unknown: 'allow' } }, true, false, false, true],
    [{ countries: { deny: ['DE'], unknown: 'deny' } }, true, false, true, false],
    [{ countries: { deny: ['DE'], unknown: 'allow' } }, true, false, true, true],
    // An address that is allowed passes whatever its country, unless that is denied.
    [{ allow: ['10.0.0.0/8'], countries: { allow: ['CH'] } }, true, false, false, true],
    [{ allow: ['10.0.0.0/8'], countries: { allow: ['CH'], unknown: 'deny' } }, true, false, false, true],
    [{ allow: ['198.51.100.1'], countries: { deny: ['FR'] } }, false, false, false, false],
    [{ allow: ['10.0.0.0/8'], countries: { deny: ['FR'] } }, false, false, false, true],
    [{ deny: ['192.0.2.1'], countries: { allow: ['CH'] } }, false, false, false, false],
    [{ deny: ['192.0.2.0/25'], countries: { deny: ['DE'] } }, false, false, true, true],
  ] as const)
    await assertPasses(await benchByCountry(config), { [SWISS]: swiss, [GERMAN]: german, [FRENCH]: french, [UNKNOWN]: unknown });
});

test('what is no address is in no country', async () => {
  for (const clientAddress of ['', 'unknown']) {
    await assertPasses(await benchByCountry({ countries: { allow: ['CH'] } }), { [clientAddress]: false });
    await assertPasses(await benchByCountry({ countries: { deny: ['CH'] } }), { [clientAddress]: true });
  }
});

test('the log has the country that decided, and an explanation says it', async () => {
  const bench = await benchByCountry({ deny: ['192.0.2.9'], countries: { allow: ['CH'], deny: ['DE'] } });
  const details = [];
  for (const clientAddress of [GERMAN, FRENCH, UNKNOWN, '192.0.2.9'])
    details.push((await bench.send({ clientAddress })).exchange.error?.detail);
  assert.deepEqual(details, [
    { list: 'deny', country: 'DE' },
    { list: 'allow', country: 'FR' },
    { list: 'allow', country: 'unknown' },
    { list: 'deny', rule: '192.0.2.9' },
  ]);
  const config = (await ipPolicy.loadConfig()).parse({ countries: { allow: ['CH'], deny: ['DE'], unknown: 'deny' } });
  const services = createPolicyServices({ countries: toCountryImage() });
  const explain = (clientAddress: string) =>
    ipPolicy.explain?.(config, { clientAddress, method: 'GET', path: '/', query: '', exchange: undefined as never }, services);
  assert.equal(explain(SWISS), '192.0.2.1 may pass: `allow` holds its country CH');
  assert.equal(explain(GERMAN), '2001:db8::1 is refused with 403: `deny` holds its country DE');
  assert.equal(explain(FRENCH), '198.51.100.1 is refused with 403: `allow` does not hold it, whose country is FR');
  assert.equal(ipPolicy.describe?.(config), 'deny country DE; allow country CH and nobody else; deny unknown countries');
});
