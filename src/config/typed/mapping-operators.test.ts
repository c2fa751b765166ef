import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aggregate, type Call, request } from './aggregate-builder.ts';
import { mapping } from './mapping-operators.ts';
import { toPlainMapping } from './reference.ts';

interface Order {
  sku: string;
  'full "name"': string;
  tags: { key: string }[];
}

const service: Call<{ lists: Order[][]; orders: Order[]; more?: Order[] }> = { service: 'shop', path: '/orders' };
const { all, any, choose, concat, count, each, equals, exists, flatten, group, isOneOf, itemAt, join } = mapping;
const { literal, merge, mergeBy, not, omit, orDefault, pick, rename, required, text, toNumber, toText } = mapping;

test('operators become what is written in YAML', () => {
  const { answer } = aggregate()
    .call('a', service)
    .answer(({ a: { body, status, header } }) => [
      pick(itemAt(body.orders, 0), ['sku']),
      omit(body, ['lists']),
      rename(body, { orders: 'list' }),
      merge(body, { x: 1 }),
      concat(body.orders, body.more),
      flatten(body.lists),
      group(body.orders, 'sku'),
      mergeBy([body.orders, body.more], 'sku'),
      join(body.orders, body.more, { by: 'sku' }),
      join(body.orders, body.more, { by: { from: 'sku', with: 'sku' }, as: 'all', many: true }),
      orDefault(body.more, []),
      choose(all(exists(body.more), not(equals(status, 404))), 'yes'),
      choose(any(isOneOf(request.query('q'), ['a', 'b'])), body.orders, null),
      [toText(status), toNumber(request.query('n')), count(body.more), literal({ a: '${b}' })],
      text`${request.path('id')} of ${header('x-a')}, ${1}`,
      required(body.more),
      itemAt(body.orders, 1)['full "name"'],
      { here: body.orders, missing: undefined },
    ]).aggregate;
  const body = '${calls.a.body}';
  const orders = '${calls.a.body.orders}';
  const more = '${calls.a.body.more}';
  assert.deepEqual(answer, [
    { $pick: { from: '${calls.a.body.orders.0}', names: ['sku'] } },
    { $omit: { from: body, names: ['lists'] } },
    { $rename: { from: body, names: { orders: 'list' } } },
    { $merge: [body, { x: 1 }] },
    { $concat: [orders, more] },
    { $flatten: '${calls.a.body.lists}' },
    { $group: { from: orders, by: 'sku' } },
    { $mergeBy: { lists: [orders, more], by: 'sku' } },
    { $join: { from: orders, with: more, by: 'sku' } },
    { $join: { from: orders, with: more, by: { from: 'sku', with: 'sku' }, as: 'all', many: true } },
    { $default: [more, []] },
    { $if: { when: { all: [{ exists: more }, { not: { value: '${calls.a.status}', equals: 404 } }] }, do: 'yes' } },
    { $if: { when: { any: [{ value: '${query.q}', in: ['a', 'b'] }] }, do: orders, else: null } },
    [{ $text: '${calls.a.status}' }, { $number: '${query.n}' }, { $count: more }, { $literal: { a: '${b}' } }],
    '${path.id} of ${calls.a.header.x-a}, 1',
    '${calls.a.body.more!}',
    '${calls.a.body.orders.1["full \\"name\\""]}',
    { here: orders },
  ]);
});

test('items of a list in a list have a name of their own', () => {
  const list = aggregate()
    .call('a', service)
    .answer(({ a }) =>
      each(a.body.orders, (order) => each(order.tags, (tag) => ({ tag: tag.key, of: order.sku })), {
        when: (order) => exists(order.sku),
      }),
    ).aggregate.answer;
  assert.deepEqual(list, {
    $each: {
      in: '${calls.a.body.orders}',
      as: 'item2',
      do: { $each: { in: '${item2.tags}', as: 'item', do: { tag: '${item.key}', of: '${item2.sku}' } } },
      when: { exists: '${item2.sku}' },
    },
  });
});

test('references are texts inside of templates of JavaScript', () => {
  assert.equal(`/${request.body<{ a: string }>().a}`, '/${body.a}');
  assert.equal(toPlainMapping(request.consumer()), '${consumer.name}');
});
