// A page of a customer, as examples/one-request/aggregate.yaml makes it, in TypeScript: an operation, a parameter, a member or an order
// of calls that does not fit the OpenAPI documents of the services is an error in the editor.
//
//   curl -i http://127.0.0.1:8080/api/users/7/page
//
// When a document changes, write the types again, or let CI say with --check that somebody has to:
//
//   gatehouse types users=users.yaml orders=orders.yaml --out gatehouse-services.ts
//
// With the package installed, '#gatehouse' is 'gatehouse', and --library is not needed.

import { aggregate, defineGateway, forEach, mapping, request } from '#gatehouse';
import { orders, users } from './gatehouse-services.ts';

const { each, orDefault, pick, text } = mapping;

const page = aggregate({ partialField: 'missing' })
  .call('user', users.getUser({ id: request.path('id') }, { pass: [404] }))
  .call('orders', ({ user }) => orders.listOrders({ customer: user.body.id, limit: 5 }))
  .call('news', ({ user }) => orders.listNews({ region: user.body.region }, { optional: true, timeout: '300ms' }))
  .call('parts', (calls) =>
    forEach(calls.orders.body.items, (order) => orders.getPart({ sku: order.sku }, { optional: true }), { beyond: 'cut' }),
  )
  .headers(({ user }) => ({ etag: user.header('etag') }))
  .answer(({ user, news, parts, ...calls }) => ({
    user: pick(user.body, ['id', 'name']),
    greeting: text`Hello ${user.body.name}`,
    orders: each(calls.orders.body.items, (order) => ({ part: order.sku, count: order.count, note: orDefault(order.note, '') })),
    parts: parts.body,
    news: news.body,
  }));

export default defineGateway({
  version: 1,
  listeners: { web: { address: ':8080' } },
  services: {
    users: { endpoints: ['http://127.0.0.1:3000'], openapi: './users.yaml' },
    orders: { endpoints: ['http://127.0.0.1:3000'], openapi: './orders.yaml' },
  },
  routes: { page: { match: { path: '/api/users/:id/page' }, to: page } },
});
