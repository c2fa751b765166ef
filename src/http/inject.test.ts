import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientErrors } from './client-errors.ts';
import type { Exchange } from './exchange.ts';
import { type InjectedAnswer, type InjectedRequest, inject } from './inject.ts';

interface Outcome {
  readonly answer: InjectedAnswer;
  readonly exchange: Exchange;
}

/** Gives a request to something that answers each with its target. */
async function send(request: InjectedRequest): Promise<Outcome> {
  const exchanges: Exchange[] = [];
  const answer = await inject(request, {
    target: {
      onExchange(exchange) {
        exchanges.push(exchange);
        const body = Buffer.from(exchange.request.target);
        exchange.sendReply({ status: 200, fields: ['x-a', '1', 'x-a', '2'], contentLengthBytes: body.length, body });
      },
      onRefusedRequest(exchange, error) {
        exchanges.push(exchange);
        const body = Buffer.from(error.publicDetail ?? '');
        exchange.sendReply({ status: error.status, fields: [], contentLengthBytes: body.length, body });
      },
      onExchangeFinished: () => undefined,
    },
    nextRequestId: () => 'id',
    nowMs: () => 7,
    defaultListener: 'web',
    via: 'gatehouse',
    refuse: (reason) => clientErrors.malformedRequest({ reason }, { publicDetail: reason }),
  });
  return { answer, exchange: exchanges[0]! };
}

test('answers an injected request without a socket', async () => {
  const { answer, exchange } = await send({ url: '/a/../b?c' });
  assert.deepEqual([answer.status, answer.text(), answer.headers, answer.requestId], [200, '/b?c', { 'x-a': ['1', '2'] }, 'id']);
  assert.equal(exchange.isFinished, true);
});

test('takes host and scheme from where the caller says them', async () => {
  const table: readonly (readonly [request: InjectedRequest, scheme: string, host: string])[] = [
    [{}, 'http', 'localhost'],
    [{ headers: { Host: 'Shop:8080' } }, 'http', 'shop'],
    [{ headers: { 'x-first': 'host', host: 'shop' } }, 'http', 'shop'],
    [{ url: 'https://www.shop/x', headers: { host: 'shop' } }, 'https', 'www.shop'],
  ];
  for (const [request, scheme, host] of table) {
    const { exchange } = await send(request);
    assert.deepEqual([exchange.request.scheme, exchange.request.host], [scheme, host]);
    assert.ok(!exchange.request.fields.includes('Shop:8080'));
  }
});

test('lets nothing of the caller rule the framing or say where the request came from', async () => {
  const { exchange } = await send({
    headers: {
      'Content-Length': '9',
      'transfer-encoding': 'chunked',
      connection: 'x',
      'x-forwarded-for': '6.6.6.6',
      accept: 'a/b',
    },
    clientAddress: '1.2.3.4',
  });
  assert.deepEqual(exchange.request.fields, ['accept', 'a/b']);
  assert.equal(exchange.request.forwardingFields.fields[1], '1.2.3.4');
});

test('refuses what would break out of its place in a head', async () => {
  const requests: readonly InjectedRequest[] = [
    { method: 'GET /x' },
    { method: '' },
    { url: '/a b' },
    { url: '/a HTTP/1.1\r\nx: y' },
    { url: '/?\u{1F600}' },
    { url: '/?\u010a' },
    { headers: { 'x y': 'z' } },
    { headers: { '': 'z' } },
    { headers: { x: 'y\r\nz: 1' } },
    { headers: { x: ['y', 'z\0'] } },
    { headers: { x: '\u010a' } },
    { headers: { host: 'a b' } },
    { url: '//a' },
  ];
  for (const request of requests) {
    const { answer } = await send(request);
    assert.equal(answer.status, 400, JSON.stringify(request));
    assert.notEqual(answer.text(), '');
  }
  for (const request of [{ headers: { x: 'b\xfccher\t"z"' } }, { url: '/?\'"<>{}' }, { method: 'X-Y' }]) {
    assert.equal((await send(request)).answer.status, 200);
  }
});

test('answers HEAD without a body', async () => {
  const { answer } = await send({ method: 'HEAD', url: '/x' });
  assert.equal(answer.body.length, 0);
});
