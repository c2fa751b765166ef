import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ClientSide, Exchange } from '#http/exchange.ts';
import { readMapping } from '#schema/mapping.ts';
import { answerRoot, requestRoots } from '#schema/mapping-reference.ts';
import { injectedRequest } from '#test/support/asked-request.ts';
import { JsonDocument, readJson } from '#wire/json/json-document.ts';
import { Mapping } from './mapping.ts';
import type { MappingScope } from './mapping-run.ts';

const BYTES_MAX = 100_000;
const roots = { ...requestRoots, answer: answerRoot, calls: { kind: 'named', of: answerRoot } } as const;

const body = '{"id":9007199254740993}';
const answer =
  '{ "id" : 12345678901234567890, "price":1.50 , "a":1,"a":2, "name":"Ann \\u00e9", "none":null, "n":"7", "address":{"city":"X","zip":"1"}, "tags":["a","b"] }';
const orders = '[{"id":1,"user":"u1","total":10.0},{"id":2,"user":"u2","total":20},{"id":3,"user":"u1","total":1e3},{"total":0}]';
const users = '[{"id":"u1","name":"Ann"},{"id":"u2","name":"Bob"},{"id":"u3","name":"Cid"}]';
const documents: Readonly<Record<string, string>> = {
  body,
  'answer.body': answer,
  'calls.orders.body': orders,
  'calls.users.body': users,
  'calls.nested.body': '[[1,[2]],3,[]]',
};

function toScope(): MappingScope {
  const request = injectedRequest('/orders/7?page=2', ['x-tenant', 'acme "1"', 'cookie', 'lang=de']);
  const exchange = new Exchange({} as ClientSide, { onExchangeFinished: () => undefined }, request, {
    requestId: 'id',
    startedMs: 1,
  });
  exchange.captureNames = ['id'];
  exchange.captures = ['a%2Fb'];
  exchange.consumer = { name: 'ann', groups: [], scopes: [], roles: [], claims: { roles: ['admin'], sub: '1' } };
  return {
    exchange,
    readJson(root) {
      const text = documents[root.join('.')];
      const document = text === undefined ? undefined : readJson(Buffer.from(text));
      return document instanceof JsonDocument ? document.root : undefined;
    },
    readText: (root) => ({ 'answer.status': 201, 'answer.header.etag': '"1"' })[root.join('.')],
  };
}

function run(written: unknown, bytesMax = BYTES_MAX): string | { problem: string; at: string } {
  const { node, problems } = readMapping(written, roots);
  assert.deepEqual(problems, []);
  const result = new Mapping(node).run(toScope(), bytesMax);
  if ('problem' in result) return result;
  const text = Buffer.concat(result.pieces).toString();
  assert.equal(Buffer.byteLength(text), result.byteLength);
  return text;
}

const cases: readonly (readonly [what: string, mapping: unknown, json: string])[] = [
  ['passes a whole document with its spaces, numbers and repeated names', '${answer.body}', answer],
  [
    'passes numbers as they were written',
    { id: '${answer.body.id}', p: '${answer.body.price}', mine: '${body.id}' },
    '{"id":12345678901234567890,"p":1.50,"mine":9007199254740993}',
  ],
  ['passes strings with their escapes', ['${answer.body.name}'], '["Ann \\u00e9"]'],
  ['takes the last of equal names', '${answer.body.a}', '2'],
  ['writes scalars as they are', { a: 1, b: 'x', c: true, d: null, e: [1.5] }, '{"a":1,"b":"x","c":true,"d":null,"e":[1.5]}'],
  [
    'puts references into text',
    'id ${answer.body.id} of ${answer.body.name}, ${answer.body.none}${answer.body.missing}!',
    '"id 12345678901234567890 of Ann é, !"',
  ],
  ['escapes what it puts into text', 'tenant ${header.x-tenant}', '"tenant acme \\"1\\""'],
  ['leaves literal marks', '$${answer.body}', '"${answer.body}"'],
  [
    'knows items, names in quotes and paths',
    ['${answer.body.tags[1]}', '${answer.body.tags.0}', '${answer.body["address"]["city"]}'],
    '["b","a","X"]',
  ],
  [
    'knows the request',
    ['${path.id}', '${query.page}', '${header.x-tenant}', '${cookie.lang}', '${consumer.name}', '${claim.roles}', '${method}'],
    '["a/b","2","acme \\"1\\"","de","ann",["admin"],"GET"]',
  ],
  ['knows status and fields of answers', ['${answer.status}', '${answer.header.ETag}'], '[201,"\\"1\\""]'],
  [
    'leaves members out that are missing, and puts null into lists',
    { a: '${answer.body.x}', b: ['${answer.body.x.y}', '${query.none}'] },
    '{"b":[null,null]}',
  ],
  ['is null where all of it is missing', '${answer.body.x}', 'null'],
  ['keeps null', { a: '${answer.body.none}' }, '{"a":null}'],
  ['picks', { $pick: { from: '${answer.body}', names: ['price', 'id', 'x'] } }, '{"id":12345678901234567890,"price":1.50}'],
  ['omits', { $omit: { from: '${answer.body.address}', names: ['zip'] } }, '{"city":"X"}'],
  ['leaves what it need not touch as it was', { $omit: { from: '${answer.body}', names: ['x'] } }, answer],
  ['renames', { $rename: { from: '${answer.body.address}', names: { zip: 'postcode', x: 'y' } } }, '{"city":"X","postcode":"1"}'],
  [
    'merges objects, and later ones win',
    { $merge: ['${answer.body.address}', { zip: '2', a: 1 }, '${answer.body.x}', '${answer.body.none}'] },
    '{"city":"X","zip":"2","a":1}',
  ],
  ['joins lists', { $concat: ['${answer.body.tags}', '${answer.body.x}', ['c']] }, '["a","b","c"]'],
  ['flattens lists by one level', { $flatten: '${calls.nested.body}' }, '[1,[2],3]'],
  [
    'flattens objects',
    { $flatten: { from: { a: '${answer.body.address}', b: { c: { d: 1 } } }, separator: '_' } },
    '{"a_city":"X","a_zip":"1","b_c_d":1}',
  ],
  [
    'groups',
    { $group: { from: '${calls.orders.body}', by: 'user' } },
    '{"u1":[{"id":1,"user":"u1","total":10.0},{"id":3,"user":"u1","total":1e3}],"u2":[{"id":2,"user":"u2","total":20}]}',
  ],
  [
    'joins lists by a key, and merges',
    {
      $join: {
        from: { $each: { in: '${calls.orders.body}', do: { $omit: { from: '${item}', names: ['total'] } } } },
        with: '${calls.users.body}',
        by: { from: 'user', with: 'id' },
        as: 'who',
      },
    },
    '[{"id":1,"user":"u1","who":{"id":"u1","name":"Ann"}},{"id":2,"user":"u2","who":{"id":"u2","name":"Bob"}},{"id":3,"user":"u1","who":{"id":"u1","name":"Ann"}},{}]',
  ],
  [
    'joins many',
    {
      $join: {
        from: '${calls.users.body}',
        with: '${calls.orders.body}',
        by: { from: 'id', with: 'user' },
        as: 'orders',
        many: true,
      },
    },
    '[{"id":"u1","name":"Ann","orders":[{"id":1,"user":"u1","total":10.0},{"id":3,"user":"u1","total":1e3}]},{"id":"u2","name":"Bob","orders":[{"id":2,"user":"u2","total":20}]},{"id":"u3","name":"Cid","orders":[]}]',
  ],
  [
    'merges lists by a key, text and number alike',
    { $mergeBy: { lists: [[{ k: 1, a: 1 }, { a: 3 }], { $literal: [{ k: '1', b: 2 }, { k: 2 }] }], by: 'k' } },
    '[{"k":"1","a":1,"b":2},{"a":3},{"k":2}]',
  ],
  [
    'maps each item, with a condition and a name, inside another',
    {
      $each: {
        in: '${calls.users.body}',
        as: 'user',
        when: { not: { value: '${user.id}', in: ['u3'] } },
        do: {
          $each: { in: '${calls.orders.body}', when: { value: '${item.user}', equals: 'u1' }, do: '${user.name}:${item.id}' },
        },
      },
    },
    '[["Ann:1","Ann:3"],["Bob:1","Bob:3"]]',
  ],
  ['takes the first that is there and not null', { $default: ['${answer.body.x}', '${answer.body.none}', 'none'] }, '"none"'],
  [
    'decides',
    {
      a: { $if: { when: { exists: '${answer.body.id}' }, do: 1, else: 2 } },
      b: { $if: { when: { exists: '${answer.body.none}' }, do: 1 } },
    },
    '{"a":1}',
  ],
  [
    'compares numbers by their value',
    {
      $if: {
        when: { all: [{ value: '${answer.body.price}', equals: 1.5 }, { any: [{ value: '${answer.body.x}', equals: null }] }] },
        do: 'y',
        else: 'n',
      },
    },
    '"y"',
  ],
  [
    'makes texts of numbers and numbers of texts',
    [{ $text: '${answer.body.id}' }, { $number: '${answer.body.n}' }, { $text: '${answer.body.address}' }],
    '["12345678901234567890",7,"{\\"city\\":\\"X\\",\\"zip\\":\\"1\\"}"]',
  ],
  [
    'counts',
    [{ $count: '${answer.body.tags}' }, { $count: '${answer.body.address}' }, { $count: '${answer.body.x}' }],
    '[2,2,0]',
  ],
  ['takes literals as they are', { $literal: { $pick: '${body}' } }, '{"$pick":"${body}"}'],
  ['writes names that begin with a dollar', { $$ref: 1 }, '{"$ref":1}'],
];

for (const [what, mapping, json] of cases) test(what, () => assert.equal(run(mapping), json));

const problems: readonly (readonly [what: string, mapping: unknown, problem: string, at: string])[] = [
  ['a value that has to be there', { a: '${answer.body.x!}' }, 'missing', 'answer.body.x!'],
  ['an object where a list has to be', { $each: { in: '${answer.body}', do: 1 } }, 'wrong-kind', '$each'],
  ['a text where an object has to be', { $pick: { from: '${answer.body.name}', names: ['a'] } }, 'wrong-kind', '$pick'],
  ['a text that is no number', { $number: '${answer.body.name}' }, 'wrong-kind', '$number'],
];

for (const [what, mapping, problem, at] of problems)
  test(`tells of ${what}`, () => assert.deepEqual(run(mapping), { problem, at }));

test('makes nothing longer than it may be, not even one byte', () => {
  assert.equal(run({ a: '${answer.body}' }, answer.length + 6), `{"a":${answer}}`);
  assert.deepEqual(run({ a: '${answer.body}' }, answer.length + 5), { problem: 'too-large', at: 'the whole' });
  assert.deepEqual(run('x${answer.body}', answer.length), { problem: 'too-large', at: 'x${answer.body}' });
});

test('looks at no more items than it may', () => {
  const list = Array.from({ length: 1_500 }, () => 1);
  const inner = { $each: { in: { $literal: list }, as: 'b', do: 1 } };
  assert.deepEqual(run({ $each: { in: { $literal: list }, as: 'a', do: { $count: inner } } }), {
    problem: 'too-many-items',
    at: '$each',
  });
});

/** Written apart, since an object with a member of this name looks like a promise. */
const THEN = 'then';

/** What takes time for each item of a list, although it is one thing that each of them asks for. */
const repeated: readonly (readonly [what: string, asked: unknown])[] = [
  ['a member behind many others', '${answer.body.last}'],
  ['an item behind many others', '${answer.body.list.19999}'],
  ['whether a long text is a short one', { $if: { when: { value: '${answer.body.text}', equals: 'x' }, [THEN]: 1 } }],
  ['how many items there are', { $count: '${answer.body.list}' }],
  ['a long number out of a text', { $number: '${answer.body.digits}' }],
  ['a claim', { $count: '${claim.roles}' }],
];

for (const [what, asked] of repeated)
  test(`does not look for ${what} as often as it is asked to`, () => {
    const many = (text: string) => Array.from({ length: 20_000 }, () => text).join();
    const digits = '7'.repeat(20_000);
    const json = `{${many('"k":1')},"list":[${many('1')}],"text":"${'y'.repeat(20_000)}","digits":"${digits}","last":1}`;
    const { node } = readMapping({ $each: { in: '${answer.body.list}', do: asked } }, roots);
    const document = readJson(Buffer.from(json));
    assert.ok(document instanceof JsonDocument);
    const { exchange } = toScope();
    exchange.consumer = { name: 'ann', groups: [], scopes: [], roles: [], claims: { roles: Array(1_000).fill('admin') } };
    const result = new Mapping(node).run({ exchange, readJson: () => document.root, readText: () => undefined }, 1024 * 1024);
    assert.ok('problem' in result, 'it has come to its end');
    assert.ok(['too-many-items', 'too-large'].includes(result.problem));
  });
