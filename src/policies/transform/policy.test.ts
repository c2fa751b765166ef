import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import {
  type BenchRequest,
  createPolicyBench,
  type PolicyBenchOptions,
  plan,
  planPhases,
  type UpstreamAnswer,
} from '#test/support/policy-bench.ts';
import { rewritePolicy } from '../rewrite/policy.ts';
import { transformPolicy } from './policy.ts';

type Options = Omit<PolicyBenchOptions, 'policies'>;

async function benchWith(config: unknown, options: Options = {}) {
  return createPolicyBench({ policies: [await plan(transformPolicy, config)], ...options });
}

/** What the service is asked for. */
async function ask(config: unknown, request: BenchRequest, options: Options = {}) {
  const bench = await benchWith(config, options);
  const answer = await bench.send(request);
  return { answer, seen: bench.seen[0], code: answer.exchange.error?.code };
}

/** What the client gets for this answer of the service. */
async function answerTo(config: unknown, upstream: UpstreamAnswer, request: BenchRequest = {}) {
  return (await ask({ response: config }, request, { upstream: () => upstream })).answer;
}

const repeatedOnes = Array.from({ length: 5_000 }, () => '1').join();

function json(body: string, more: readonly string[] = []): BenchRequest {
  return { method: 'POST', fields: ['content-type', 'application/json', ...more], body: [body] };
}

const targets: readonly (readonly [what: string, query: unknown, url: string, target: string])[] = [
  ['takes away', { remove: ['a', 'c d'] }, '/?a=1&b=%41&a=2&c+d=3', '/?b=%41'],
  ['leaves no question mark behind', { remove: ['a'] }, '/x?a=1', '/x'],
  ['renames', { rename: { q: 'query', 'a b': 'c d' } }, '/?q=x%20y&a%20b&r=1', '/?query=x%20y&c%20d&r=1'],
  ['sets', { set: { page: '1', id: '${path.id}' } }, '/7?page=9&x=%2f', '/7?x=%2f&page=1&id=7'],
  ['adds', { add: { tag: 'a&b=c' } }, '/?tag=x', '/?tag=x&tag=a&b=c'],
  ['adds what a client has sent as one value', { add: { u: '${header.x-user}' } }, '/', '/?u=a%26admin%3D1'],
  ['renames before it takes away and sets', { rename: { a: 'b' }, set: { b: '2' } }, '/?a=1', '/?b=2'],
  ['leaves what it does not know as it came', { remove: ['zz'] }, '/?a=%41&&b', '/?a=%41&&b'],
];

for (const [what, query, url, target] of targets) {
  test(`${what} parameters: ${url} becomes ${target}`, async () => {
    const path = url.startsWith('/7') ? '/:id' : '/*';
    const { seen } = await ask({ request: { query } }, { url, fields: ['x-user', 'a&admin=1'] }, { path });
    assert.equal(seen?.target, target);
  });
}

test('changes what rewrite has made of the query', async () => {
  const policies = [
    await plan(rewritePolicy, { query: 'a=1&b=2' }),
    await plan(transformPolicy, { request: { query: { remove: ['a'] } } }),
  ];
  const bench = createPolicyBench({ policies });
  await bench.send({ url: '/x?c=3' });
  assert.equal(bench.seen[0]?.target, '/x?b=2');
});

test('puts values of the body into the query', async () => {
  const config = { request: { query: { set: { user: '${body.user.id}', none: '${body.x}' } } } };
  const { seen } = await ask(config, json('{"user": {"id": 9007199254740993, "n": 1.0}}'));
  assert.equal(seen?.target, '/?user=9007199254740993&none=');
  assert.deepEqual(seen?.body, ['{"user": {"id": 9007199254740993, "n": 1.0}}'], 'the body itself stays as it is');
});

test('changes cookies that the service sees, and leaves other lines alone', async () => {
  const cookies = { rename: { old: 'new' }, remove: ['secret', 'gone'], set: { tenant: '${header.x-tenant}' } };
  const fields = [
    'cookie',
    'a=1;  b="x y"',
    'x-tenant',
    'ac;me=1',
    'cookie',
    'secret=1; old=2; tenant=forged;c=3',
    'cookie',
    'gone=1',
  ];
  const { seen } = await ask({ request: { cookies } }, { fields });
  assert.deepEqual(seen?.fields, ['cookie', 'a=1;  b="x y"', 'x-tenant', 'ac;me=1', 'cookie', 'new=2; c=3; tenant=ac%3Bme=1']);
});

test('sets a cookie where there is none', async () => {
  assert.deepEqual((await ask({ request: { cookies: { set: { a: '1' } } } }, {})).seen?.fields, ['cookie', 'a=1']);
});

test('maps the body of a request, and what it does not touch stays byte for byte', async () => {
  const map = { id: '${body.id}', all: '${body.data}', by: '${consumer.name}', path: '${path.id}' };
  const body = '{ "id" : 12345678901234567890, "data": {"a":1.0, "a" : 2e0 , "b":"\\u00e9"} }';
  const { seen } = await ask(
    { request: { body: { map } } },
    { ...json(body, ['content-digest', 'sha-256=:x:']), url: '/7' },
    { path: '/:id' },
  );
  assert.deepEqual(seen?.body, ['{"id":12345678901234567890,"all":{"a":1.0, "a" : 2e0 , "b":"\\u00e9"},"path":"7"}']);
  assert.deepEqual(seen?.fields, ['content-type', 'application/json']);
});

test('a body in pieces is the same', async () => {
  const { seen } = await ask({ request: { body: { map: ['${body.a}'] } } }, { ...json(''), body: ['{"a"', ':', '[1', ', 2]}'] });
  assert.deepEqual(seen?.body, ['[[1, 2]]']);
});

test('leaves requests without a body alone, and those of other types', async () => {
  const config = { request: { body: { map: { a: 1 } } } };
  assert.deepEqual((await ask(config, { fields: ['content-type', 'application/json'] })).seen?.body, []);
  const { seen } = await ask(config, { method: 'POST', fields: ['content-type', 'text/plain'], body: ['{"b":', '1}'] });
  assert.deepEqual([seen?.body.join(''), seen?.fields], ['{"b":1}', ['content-type', 'text/plain']]);
});

const refusedRequests: readonly (readonly [what: string, body: unknown, request: BenchRequest, code: string, status: number])[] =
  [
    ['what is not JSON', { map: 1 }, json('{"a":'), 'GH_TRANSFORM_INVALID_BODY', 400],
    ['an empty body', { map: 1 }, json(' '), 'GH_TRANSFORM_INVALID_BODY', 400],
    ['what is nested too deeply', { map: 1 }, json('['.repeat(200)), 'GH_TRANSFORM_INVALID_BODY', 400],
    ['what is not UTF-8', { map: 1 }, json('"\xff"'), 'GH_TRANSFORM_INVALID_BODY', 400],
    ['a body without what has to be there', { map: '${body.id!}' }, json('{}'), 'GH_TRANSFORM_UNFIT_BODY', 422],
    [
      'a body of the wrong kind',
      { map: { $pick: { from: '${body}', names: ['a'] } } },
      json('[]'),
      'GH_TRANSFORM_UNFIT_BODY',
      422,
    ],
    ['a body that is too long', { map: 1, maxBytes: '8B' }, json('[1,2,3,4]'), 'GH_CLIENT_BODY_TOO_LONG', 413],
    [
      'a body that would become too long',
      { map: ['${body}', '${body}'], maxBytes: '16B' },
      json('[1,2,3]'),
      'GH_TRANSFORM_BODY_TOO_LARGE',
      413,
    ],
    ['a compressed body', { map: 1 }, json('x', ['content-encoding', 'gzip']), 'GH_TRANSFORM_ENCODED_BODY', 415],
    [
      'a body whose second line says that it is compressed',
      { map: 1 },
      json('x', ['content-encoding', 'identity', 'content-encoding', 'gzip']),
      'GH_TRANSFORM_ENCODED_BODY',
      415,
    ],
    [
      'another type',
      { map: 1, otherTypes: 'refuse' },
      { method: 'POST', fields: ['content-type', 'text/plain'], body: ['1'] },
      'GH_TRANSFORM_OTHER_TYPE',
      415,
    ],
    ['a body without a type', { map: 1, otherTypes: 'refuse' }, { method: 'POST', body: ['1'] }, 'GH_TRANSFORM_OTHER_TYPE', 415],
    ['XML that is none', { from: 'xml', to: 'json' }, xml('<a><b></a>'), 'GH_TRANSFORM_INVALID_BODY', 400],
    ['XML with two outermost elements', { from: 'xml', to: 'json' }, xml('<a/><b/>'), 'GH_TRANSFORM_INVALID_BODY', 400],
    [
      'XML that would keep a thread busy',
      { from: 'xml', to: 'json' },
      xml(`<a>${'b'.repeat(256 * 1024)}</a>`),
      'GH_TRANSFORM_BODY_TOO_LARGE',
      413,
    ],
    [
      'XML that is too deep',
      { from: 'xml', to: 'json' },
      xml('<a>'.repeat(100) + '</a>'.repeat(100)),
      'GH_TRANSFORM_INVALID_BODY',
      400,
    ],
    [
      'entities of its own',
      { from: 'xml', to: 'json' },
      xml('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
      'GH_TRANSFORM_INVALID_BODY',
      400,
    ],
    [
      'a file of the gateway',
      { from: 'xml', to: 'json' },
      xml('<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'),
      'GH_TRANSFORM_INVALID_BODY',
      400,
    ],
    [
      'another encoding of XML',
      { from: 'xml', to: 'json' },
      xml('<?xml version="1.0" encoding="utf-16"?><a/>'),
      'GH_TRANSFORM_INVALID_BODY',
      400,
    ],
    [
      'a name of XML that no member may have',
      { from: 'xml', to: 'json' },
      xml('<a><__proto__><b/></__proto__></a>'),
      'GH_TRANSFORM_INVALID_BODY',
      400,
    ],
    ['a form that is not UTF-8', { from: 'form', to: 'json' }, { ...form('a=\xff') }, 'GH_TRANSFORM_INVALID_BODY', 400],
    [
      'XML with too many tags',
      { from: 'xml', to: 'json' },
      xml(`<a>${'<b/>'.repeat(60_000)}</a>`),
      'GH_TRANSFORM_INVALID_BODY',
      400,
    ],
    [
      'XML with a long text again and again',
      { to: 'xml', map: { a: { b: { $each: { in: '${body.list}', do: '${body.text}' } } } } },
      json(`{"list":[${repeatedOnes}],"text":"${'x'.repeat(100_000)}"}`),
      'GH_TRANSFORM_UNFIT_BODY',
      422,
    ],
    [
      'a form with a long text again and again',
      { to: 'form', map: { a: { $each: { in: '${body.list}', do: '${body.text}' } } } },
      json(`{"list":[${repeatedOnes}],"text":"${'x'.repeat(100_000)}"}`),
      'GH_TRANSFORM_UNFIT_BODY',
      422,
    ],
    ['JSON without one outermost element', { to: 'xml' }, json('{"a":1,"b":2}'), 'GH_TRANSFORM_UNFIT_BODY', 422],
    ['a name that XML does not have', { to: 'xml' }, json('{"a":{"<b>":1}}'), 'GH_TRANSFORM_UNFIT_BODY', 422],
    ['a character that XML does not have', { to: 'xml' }, json('{"a":"\\u0000"}'), 'GH_TRANSFORM_UNFIT_BODY', 422],
    ['a list as a form', { to: 'form' }, json('[1]'), 'GH_TRANSFORM_UNFIT_BODY', 422],
  ];

function xml(body: string): BenchRequest {
  return { method: 'POST', fields: ['content-type', 'text/xml; charset=utf-8'], body: [body] };
}

function form(body: string): BenchRequest {
  return { method: 'POST', fields: ['content-type', 'application/x-www-form-urlencoded'], body: [body] };
}

for (const [what, body, request, code, status] of refusedRequests) {
  test(`refuses ${what}, and the service is not asked`, async () => {
    const outcome = await ask({ request: { body } }, request);
    assert.deepEqual([outcome.code, outcome.answer.status, outcome.seen], [code, status, undefined]);
  });
}

test('repeats nothing of what is no XML', async () => {
  const { answer: got } = await ask({ request: { body: { from: 'xml', to: 'json' } } }, xml(`<${'secret'.repeat(10_000)} <`));
  assert.deepEqual([got.status, got.text.includes('secret'), got.text.length < 300], [400, false, true]);
});

test('takes a body that is exactly as long as it may be', async () => {
  assert.deepEqual((await ask({ request: { body: { map: '${body}', maxBytes: '9B' } } }, json('[1,2,3,4]'))).seen?.body, [
    '[1,2,3,4]',
  ]);
});

const conversions: readonly (readonly [what: string, body: unknown, request: BenchRequest, becomes: string, type: string])[] = [
  [
    'a form JSON',
    { from: 'form', to: 'json' },
    form('a=1&b=x+y%C3%A9&a=2&__proto__=z'),
    '{"a":["1","2"],"b":"x y\xc3\xa9","__proto__":"z"}',
    'application/json',
  ],
  [
    'JSON a form',
    { to: 'form' },
    json('{"a":[1,2],"b":{"c":"x&y=","d":null},"e":1.0}'),
    'a=1&a=2&b%5Bc%5D=x%26y%3D&b%5Bd%5D=&e=1.0',
    'application/x-www-form-urlencoded',
  ],
  [
    'JSON XML',
    { to: 'xml' },
    json('{"order":{"@id":12345678901234567890,"item":["a<b",{"#text":"&","@n":"\\"1\\""}],"none":null,"price":1.50}}'),
    '<?xml version="1.0" encoding="UTF-8"?>\n<order id="12345678901234567890"><item>a&lt;b</item><item n="&quot;1&quot;">&amp;</item><none></none><price>1.50</price></order>',
    'application/xml',
  ],
  [
    'XML JSON',
    { from: 'xml', to: 'json' },
    xml(
      '<?xml version="1.0"?><o:order id="007" xmlns:o="u"><item>1.50</item><item>&lt;&#233;<![CDATA[<x>]]></item><e/></o:order>',
    ),
    '{"o:order":{"item":["1.50","<\xc3\xa9<x>"],"e":"","@id":"007","@xmlns:o":"u"}}',
    'application/json',
  ],
  [
    'XML a mapping of it',
    { from: ['xml', 'json'], to: 'json', map: { id: { $number: '${body.order["@id"]}' } } },
    xml('<order id="7"/>'),
    '{"id":7}',
    'application/json',
  ],
];

for (const [what, body, request, becomes, type] of conversions) {
  test(`makes ${what}`, async () => {
    const { seen, code } = await ask({ request: { body } }, request);
    assert.deepEqual([code, seen?.body.join(''), seen?.fields], [undefined, becomes, ['content-type', type]]);
  });
}

const answer = '{ "id" : 9007199254740993, "a":1,"a":2 , "list":[ 1.0 ] }';
const jsonAnswer: UpstreamAnswer = {
  fields: ['content-type', 'application/json; charset=utf-8', 'etag', '"1"', 'accept-ranges', 'bytes', 'x-a', '1'],
  body: [answer],
};

test('maps the body of an answer, with what is known of it', async () => {
  const map = {
    data: '${answer.body}',
    id: '${answer.body.id}',
    status: '${answer.status}',
    a: '${answer.header.X-A}',
    q: '${query.q}',
  };
  const got = await answerTo({ body: { map } }, jsonAnswer, { url: '/?q=2' });
  assert.equal(got.text, `{"data":${answer},"id":9007199254740993,"status":200,"a":"1","q":"2"}`);
  assert.deepEqual(got.fields, ['content-type', 'application/json; charset=utf-8', 'x-a', '1', 'etag', 'W/"1"']);
});

test('an answer that the mapping passes whole comes byte for byte', async () => {
  assert.equal((await answerTo({ body: { map: '${answer.body}' } }, jsonAnswer)).text, answer);
});

const wrapping = { body: { map: { data: '${answer.body}', meta: { status: '${answer.status}' } }, maxBytes: '40B' } };

test('an answer that is only put into something larger streams, however large it is', async () => {
  const body = Array.from({ length: 200 }, (_, i) => `${i === 0 ? '[' : ','}{"n":${i}.0}`);
  const got = await answerTo(wrapping, { ...jsonAnswer, body: [...body, ']'] });
  assert.deepEqual([got.text, got.isBrokenOff], [`{"data":${body.join('')}],"meta":{"status":200}}`, false]);
  assert.deepEqual(got.values('etag'), ['W/"1"']);
});

const cutOff: readonly (readonly [what: string, body: readonly string[], status: number, isBrokenOff: boolean])[] = [
  ['is none from its first piece on', ['<html>', '</html>'], 502, false],
  ['is empty', [], 502, false],
  ['is none from its second piece on', ['[1', '}'], 200, true],
  ['ends too early', ['[1', ',2'], 200, true],
];

for (const [what, body, status, isBrokenOff] of cutOff) {
  test(`an answer that streams and ${what} is never taken for whole`, async () => {
    const got = await answerTo(wrapping, { ...jsonAnswer, body });
    assert.deepEqual(
      [got.status, got.isBrokenOff, got.exchange.error?.code],
      [status, isBrokenOff, 'GH_TRANSFORM_INVALID_ANSWER'],
    );
  });
}

test('an answer of which something else is taken too does not stream', async () => {
  const got = await answerTo({ body: { map: { data: '${answer.body}', id: '${answer.body.id}' }, maxBytes: '40B' } }, jsonAnswer);
  assert.equal((got.json() as { code: string }).code, 'GH_TRANSFORM_ANSWER_TOO_LARGE');
});

test('an answer may refer to the body of the request', async () => {
  const got = await ask({ response: { body: { map: { asked: '${body.n}', id: '${answer.body.id}' } } } }, json('{"n":1.00}'), {
    upstream: () => jsonAnswer,
  });
  assert.deepEqual([got.answer.text, got.seen?.body.join('')], ['{"asked":1.00,"id":9007199254740993}', '{"n":1.00}']);
});

test('asks the service for the whole body as it is, and only where it is changed', async () => {
  const fields = ['accept-encoding', 'gzip', 'range', 'bytes=0-1', 'if-range', '"1"', 'x-a', '1'];
  const changed = await ask({ response: { body: { map: 1 } } }, { fields });
  assert.deepEqual(changed.seen?.fields, ['x-a', '1', 'accept-encoding', 'identity']);
  const other = await ask({ response: { status: { 404: 410 } } }, { fields });
  assert.deepEqual(other.seen?.fields, fields);
});

const untouched: readonly (readonly [what: string, upstream: UpstreamAnswer])[] = [
  ['another type', { fields: ['content-type', 'text/plain'], body: ['{"a":', '1}'] }],
  ['no type', { body: ['{}'] }],
  ['a status that is not meant', { status: 404, fields: ['content-type', 'application/json'], body: ['{"title":"x"}'] }],
  ['nothing', { status: 204, fields: ['content-type', 'application/json'] }],
];

for (const [what, upstream] of untouched) {
  test(`leaves an answer with ${what} alone`, async () => {
    const got = await answerTo({ body: { map: { x: 1 } } }, upstream);
    assert.deepEqual(
      [got.status, got.text, got.fields],
      [upstream.status ?? 200, (upstream.body ?? []).join(''), upstream.fields ?? []],
    );
  });
}

const refusedAnswers: readonly (readonly [what: string, body: unknown, upstream: UpstreamAnswer, code: string])[] = [
  ['what is not JSON', { map: 1 }, { ...jsonAnswer, body: ['<html>'] }, 'GH_TRANSFORM_INVALID_ANSWER'],
  ['a part', { map: 1 }, { ...jsonAnswer, status: 206 }, 'GH_TRANSFORM_UNFIT_ANSWER'],
  [
    'several parts',
    { map: 1 },
    { status: 206, fields: ['content-type', 'Multipart/byteranges; boundary=x'], body: ['--x'] },
    'GH_TRANSFORM_UNFIT_ANSWER',
  ],
  ['what is cut off', { map: 1 }, { ...jsonAnswer, body: ['{"a":1'] }, 'GH_TRANSFORM_INVALID_ANSWER'],
  ['what lacks a member', { map: '${answer.body.x!}' }, jsonAnswer, 'GH_TRANSFORM_UNFIT_ANSWER'],
  ['what is too long', { map: 1, maxBytes: '10B' }, jsonAnswer, 'GH_TRANSFORM_ANSWER_TOO_LARGE'],
  [
    'what is compressed all the same',
    { map: 1 },
    { ...jsonAnswer, fields: ['content-type', 'application/json', 'content-encoding', 'gzip'] },
    'GH_TRANSFORM_ENCODED_ANSWER',
  ],
  [
    'another type',
    { map: 1, otherTypes: 'refuse' },
    { fields: ['content-type', 'text/html'], body: ['x'] },
    'GH_TRANSFORM_OTHER_ANSWER_TYPE',
  ],
];

for (const [what, body, upstream, code] of refusedAnswers) {
  test(`refuses an answer: ${what}`, async () => {
    const got = await answerTo({ body }, upstream);
    assert.deepEqual([got.status, (got.json() as { code: string }).code, got.isBrokenOff], [502, code, false]);
  });
}

test('says of a HEAD request what holds for the changed body', async () => {
  const got = await answerTo(
    { body: { to: 'xml' } },
    { fields: ['content-type', 'application/json', 'etag', '"1"'] },
    { method: 'HEAD' },
  );
  assert.deepEqual(got.fields, ['etag', 'W/"1"', 'content-type', 'application/xml']);
});

test('makes XML of an answer', async () => {
  const got = await answerTo({ body: { to: 'xml', map: { answer: '${answer.body}' } } }, jsonAnswer);
  assert.equal(
    got.text,
    '<?xml version="1.0" encoding="UTF-8"?>\n<answer><id>9007199254740993</id><a>2</a><list>1.0</list></answer>',
  );
});

for (const [from, to] of [
  [500, 502],
  [503, 504],
  [404, 410],
  [403, 403],
  [200, 200],
] as const) {
  test(`gives ${from} the status ${to}, one before its class`, async () => {
    const got = await answerTo({ status: { '5xx': 502, 503: 504, 404: 410 } }, { status: from });
    assert.equal(got.status, to);
  });
}

test('leaves errors of the gateway alone', async () => {
  const refusing = planPhases({ requestHead: () => gatewayErrors.internal() });
  const config = { response: { status: { 500: 200 }, body: { map: 1, statuses: ['5xx'] } } };
  const bench = createPolicyBench({ policies: [await plan(transformPolicy, config), refusing] });
  const got = await bench.send();
  assert.deepEqual([got.status, (got.json() as { code: string }).code], [500, 'GH_GATEWAY_INTERNAL']);
});

async function locate(
  value: string,
  {
    url = '/api/orders/7',
    rewrite,
    location = true,
    name = 'location',
  }: { url?: string; rewrite?: unknown; location?: unknown; name?: string } = {},
) {
  const policies = [
    ...(rewrite === undefined ? [] : [await plan(rewritePolicy, rewrite)]),
    await plan(transformPolicy, { response: { location } }),
  ];
  const bench = createPolicyBench({ policies, upstream: () => ({ status: 302, fields: [name, value] }) });
  return (await bench.send({ url, host: 'shop.example.com:8443', scheme: 'https' })).values(name)[0];
}

const strip = { stripPrefix: '/api', host: 'orders.internal:3000' };
const locations: readonly (readonly [value: string, becomes: string, options?: Parameters<typeof locate>[1]])[] = [
  [
    'http://orders.internal:3000/orders/8?a=/orders#x',
    'https://shop.example.com:8443/api/orders/8?a=/orders#x',
    { rewrite: strip },
  ],
  ['HTTP://ORDERS.internal:3000/', 'https://shop.example.com:8443/api/', { rewrite: strip }],
  ['http://orders.internal:3000', 'https://shop.example.com:8443/api/', { rewrite: strip }],
  ['//orders.internal:3000/x', 'https://shop.example.com:8443/api/x', { rewrite: strip }],
  ['/login?next=%2F', '/api/login?next=%2F', { rewrite: strip }],
  ['/login', '/api/login', { rewrite: strip, url: '/api' }],
  ['login', 'login', { rewrite: strip }],
  ['?page=2', '?page=2', { rewrite: strip }],
  ['https://other.example.com/orders', 'https://other.example.com/orders', { rewrite: strip }],
  ['https://orders.internal.evil.example/x', 'https://orders.internal.evil.example/x', { rewrite: strip }],
  ['mailto:a@b', 'mailto:a@b', { rewrite: strip }],
  ['/v2/shop/orders/8', '/api/orders/8', { rewrite: { replacePrefix: { from: '/api', with: '/v2/shop' } } }],
  ['/elsewhere', '/elsewhere', { rewrite: { replacePrefix: { from: '/api', with: '/v2/shop' } } }],
  ['/orders/8', '/orders/8', {}],
  ['http://shop.example.com:8443/x', 'https://shop.example.com:8443/x', {}],
  [
    'https://old.example.com/v1/a',
    'https://shop.example.com/a',
    { location: { replace: { 'https://old.example.com/v1': 'https://shop.example.com', '/': '/root' } } },
  ],
  [
    '<http://orders.internal:3000/o?p=2>; rel="next", </o?p=1>; rel=prev, <https://x.example/>; rel=x',
    '<https://shop.example.com:8443/api/o?p=2>; rel="next", </api/o?p=1>; rel=prev, <https://x.example/>; rel=x',
    { rewrite: strip, name: 'link' },
  ],
  ['5; url="/login"', '5; url="/api/login"', { rewrite: strip, name: 'refresh' }],
  ['0;http://orders.internal:3000/a', '0;https://shop.example.com:8443/api/a', { rewrite: strip, name: 'refresh' }],
  ['5', '5', { rewrite: strip, name: 'refresh' }],
  ['/orders/9', '/api/orders/9', { rewrite: strip, name: 'content-location' }],
];

for (const [value, becomes, options = {}] of locations) {
  test(`${options.name ?? 'location'} ${value} becomes ${becomes}`, async () =>
    assert.equal(await locate(value, options), becomes));
}

const setCookies: readonly (readonly [changes: unknown, line: string, becomes: string | undefined])[] = [
  [
    { domain: { 'orders.internal': 'shop.example.com' } },
    'a=b=c; Domain=.Orders.internal; Max-Age=5',
    'a=b=c; Domain=shop.example.com; Max-Age=5',
  ],
  [{ domain: { '*': false } }, 'a=1;Domain=x;Path=/', 'a=1;Path=/'],
  [{ domain: { 'orders.internal': 'shop.example.com' } }, 'a=1; Domain=other', 'a=1; Domain=other'],
  [{ path: { '/': '/api', '/v2': '/new' } }, 'a=1; path=/x', 'a=1; Path=/api/x'],
  [{ path: { '/': '/api', '/v2': '/new' } }, 'a=1; Path=/v2/x', 'a=1; Path=/new/x'],
  [{ path: { '/': '/api' } }, 'a=1; Path=/', 'a=1; Path=/api/'],
  [{ path: { '/v2': '/' } }, 'a=1; Path=/v2', 'a=1; Path=/'],
  [{ secure: true, httpOnly: true, sameSite: 'lax' }, 'a=1; samesite=None; secure', 'a=1; Secure; HttpOnly; SameSite=Lax'],
  [{ secure: false, httpOnly: false }, 'a=1; Secure; HttpOnly; Path=/', 'a=1; Path=/'],
  [{ sameSite: 'none' }, 'a=1', 'a=1; Secure; SameSite=None'],
  [{ names: ['b'], secure: true }, 'a=1; Path=/', 'a=1; Path=/'],
  [{ names: ['a'], secure: true }, 'a=1', 'a=1; Secure'],
  [{ remove: ['a'] }, 'a=1', undefined],
  [{ remove: ['b'] }, 'a=1;  weird ; =x', 'a=1;  weird ; =x'],
];

for (const [cookies, line, becomes] of setCookies) {
  test(`a cookie ${line} becomes ${becomes} by ${JSON.stringify(cookies)}`, async () => {
    assert.equal((await answerTo({ cookies }, { fields: ['set-cookie', line] })).values('set-cookie')[0], becomes);
  });
}

test('a reload changes what comes after it', async () => {
  const bench = await benchWith({ request: { query: { set: { a: 'old' } } } });
  await bench.send();
  bench.reload([await plan(transformPolicy, { request: { query: { set: { a: 'new' } } } })]);
  await bench.send();
  assert.deepEqual(
    bench.seen.map(({ target }) => target),
    ['/?a=old', '/?a=new'],
  );
});
