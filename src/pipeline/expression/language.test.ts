import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Consumer, toPlainConsumer } from '#http/consumer.ts';
import { injectedRequest } from '#test/support/asked-request.ts';
import { AskingConsumer, AskingRequest } from './asking.ts';
import { ExpressionLanguage } from './language.ts';
import { patternLibrary } from './pattern-library.ts';

await patternLibrary.load();
const language = new ExpressionLanguage();

const alice: Consumer = {
  name: 'alice@login.example.com',
  groups: ['gold'],
  scopes: ['orders:read'],
  roles: ['admin'],
  claims: { tenant: 'acme', level: 4, tags: ['a', 'b'], address: { country: 'CH' }, 'x.y': true, isAdmin: true },
};

interface Asked {
  readonly url?: string;
  readonly fields?: readonly string[];
}

async function ask(text: string, { url = '/acme/orders/7?a=1&b=x+y&a=2', fields = [] }: Asked = {}) {
  const condition = language.compile(text);
  return condition({
    request: new AskingRequest(injectedRequest(url, fields)),
    consumer: new AskingConsumer(alice),
    route: 'orders',
    path: new Map([['id', '7']]),
    now: new Date('2026-03-01T10:00:00Z'),
  });
}

test('is true or false of a request and of whoever sends it', async () => {
  for (const [text, expected] of [
    ['request.method == "GET"', true],
    ['request.path.startsWith("/" + consumer.claims.tenant)', true],
    ['request.path.startsWith("/other")', false],
    ['request.query["a"] == "1" && request.query.b == "x y"', true],
    ['"c" in request.query', false],
    ['request.headers["x-team"] == "one, two"', true],
    ['request.headers.host == "shop.example.com"', true],
    ['request.host == "shop.example.com" && request.scheme == "https"', true],
    ['request.clientAddress == "198.51.100.7"', true],
    ['request.listener == "web" && request.protocol == "HTTP/1.1"', true],
    ['route == "orders" && path.id == "7"', true],
    ['"gold" in consumer.groups && "admin" in consumer.roles', true],
    ['consumer.scopes.exists(s, s == "orders:read")', true],
    ['consumer.claims.level >= 4 && consumer.claims.level < 5.5', true],
    ['consumer.claims.level == 4', true],
    ['consumer.claims.address.country in ["CH", "LI"]', true],
    ['consumer.claims["x.y"] == true', true],
    ['has(consumer.claims.missing)', false],
    ['consumer.claims.isAdmin', true],
    ['consumer == null', false],
    ['now > timestamp("2026-01-01T00:00:00Z") && now.getHours() == 10', true],
    ['request.path.matches("^/[a-z]+/orders/[0-9]+$")', true],
    ['request.path.matches("^/[a-z]+$")', false],
    // One side that cannot be evaluated does not matter where the other decides.
    ['consumer.claims.missing == 1 || true', true],
  ] as const) {
    assert.equal(await language.findMistake(text, ['id']), undefined, text);
    const { isTrue, failure } = await ask(text, { fields: ['x-team', 'one', 'x-team', 'two'] });
    assert.deepEqual([isTrue, failure], [expected, undefined], text);
  }
});

test('nobody is equal to null, and has nothing that could be compared', async () => {
  const asNobody = async (text: string) =>
    language.compile(text)({
      request: new AskingRequest(injectedRequest('/', [])),
      consumer: new AskingConsumer(undefined),
      route: 'orders',
      path: new Map(),
      now: new Date(0),
    });
  assert.equal((await asNobody('consumer == null')).isTrue, true);
  assert.equal((await asNobody('consumer == null || consumer.name == "alice"')).isTrue, true);
  for (const text of [
    'consumer.name == ""',
    'consumer.name != "alice"',
    '!("gold" in consumer.groups)',
    'size(consumer.claims) == 0',
  ])
    assert.deepEqual({ ...(await asNobody(text)) }, { isTrue: false, failure: 'no consumer' }, text);
});

test('what cannot be evaluated is not true, and the reason says nothing of what the client sent', async () => {
  for (const [text, failure] of [
    ['consumer.claims.missing == "a"', 'no such key: missing'],
    ['consumer.claims.missing != "a"', 'no such key: missing'],
    ['consumer.claims.constructor == "a"', 'no such key: constructor'],
    ['consumer.claims.__proto__ == "a"', undefined],
    ['int(request.headers.authorization) > 1', 'int conversion error: int(request.headers.authorization)'],
    ['request.headers[request.headers.authorization] == "a"', 'no such key: request.headers[request.headers.authorization]'],
    ['consumer.claims.tenant > 4', undefined],
    ['1 / (size(consumer.groups) - 1) == 1', undefined],
    ['now.getHours(request.headers.authorization) > 1', undefined],
    ['consumer.claims.tenant', undefined],
  ] as const) {
    const outcome = await ask(text, { fields: ['authorization', 'very-secret'] });
    assert.equal(outcome.isTrue, false, text);
    if (failure !== undefined) assert.equal(outcome.failure, failure, text);
    assert.doesNotMatch(outcome.failure ?? '', /very-secret/, text);
  }
});

test('mistakes are found before anything is evaluated, with their places', async () => {
  for (const [text, line, column, problem] of [
    ['request.pth == "/"', 1, 9, /no such key: pth/],
    ['consumer.nme == "a"', 1, 10, /no such key: nme/],
    ['user == "a"', 1, 1, /unknown variable: user/],
    ['request.path + 1 == 2', 1, 1, /no such overload: string \+ int/],
    ['request.path ==', 1, 16, /unexpected token/],
    ['route == "a" &&\n  rute == "b"', 2, 3, /unknown variable: rute/],
    ['request.path', 1, 1, /of the type string, not true or false/],
    ['startsWith(request.path, "/")', 1, 1, /not found|no such|found no/],
    ['path.idd == "7"', 1, 6, /no such key: idd/],
    ['request.path.matches("(")', 1, 22, /the pattern of `matches` is wrong: missing closing \)/],
    ['request.path.matches("(?=a)")', 1, 22, /the pattern of `matches` is wrong/],
    ['request.path.matches(route)', 1, 22, /must be a text that stands there/],
    ['request.path.matchesInLinearTime("a")', 1, 1, /unknown function/],
    ['consumer.groups.all(g, consumer.roles.exists(r, r == g))', 1, 24, /inside another loop/],
  ] as const) {
    const mistake = await language.findMistake(text, ['id']);
    assert.match(mistake?.problem ?? 'none', problem, text);
    assert.deepEqual([mistake?.line, mistake?.column], [line, column], text);
  }
  assert.equal(await language.findMistake('path.anything == "7"', undefined), undefined);
  assert.notEqual(await language.findMistake(`${'('.repeat(100)}true${')'.repeat(100)}`, undefined), undefined, 'too deep');
  assert.notEqual(await language.findMistake(Array(600).fill('true').join(' && '), undefined), undefined, 'too long');
});

test('a pattern that would take others for ever takes linear time', async () => {
  const url = `/${'a'.repeat(8_000)}!`;
  assert.deepEqual({ ...(await ask('request.path.matches("^/(a+)+$")', { url })) }, { isTrue: false, failure: undefined });
  assert.deepEqual(
    { ...(await ask('request.path.matches("(x+x+)+y")', { url: `/${'x'.repeat(8_000)}` })) },
    { isTrue: false, failure: undefined },
  );
});

test('a query with very many parameters is not looked through', async () => {
  const url = (count: number) => `/?${Array.from({ length: count }, (_, i) => `p${i}=1`).join('&')}`;
  assert.equal((await ask('request.query.all(name, name != "x")', { url: url(256) })).isTrue, true);
  assert.match((await ask('request.query.all(name, name != "x")', { url: url(257) })).failure ?? '', /more than 256 parameters/);
});

test('reads only what it uses', async () => {
  const request = new AskingRequest(injectedRequest('/', []));
  const condition = language.compile('request.method == "GET"');
  const forbidden = () => assert.fail('nobody asked for it');
  const variables = {
    request,
    consumer: new AskingConsumer(toPlainConsumer('a', [])),
    route: 'a',
    get path() {
      return forbidden();
    },
    get now() {
      return forbidden();
    },
  };
  assert.equal(condition(variables).isTrue, true);
});
