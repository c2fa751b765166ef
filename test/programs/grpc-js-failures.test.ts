// Statuses of gRPC with which a service says that it has failed: what is tried again, and what speaks against an endpoint.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { GatewayInput } from '#config/define-gateway.ts';
import { startGatewayFor } from '#test/support/forwarding.ts';
import { openShopClient, shopListeners, startShopServer } from '#test/support/grpc-js.ts';

type ServiceInput = NonNullable<GatewayInput['services']>[string];

const message = Buffer.from('message');

/** Servers that end each call with the next of their statuses, and go on with the last one. */
async function start(t: TestContext, scripts: readonly (readonly number[])[], service: Partial<ServiceInput>) {
  const asked = scripts.map(() => 0);
  const servers = await Promise.all(
    scripts.map((script, index) =>
      startShopServer(t, {
        Get(_call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) {
          const code = script[Math.min(asked[index]!, script.length - 1)]!;
          asked[index]! += 1;
          if (code === status.OK) answer(null, Buffer.from(`server ${index}`));
          else answer({ code, details: `by ${index}` });
        },
        Watch(call) {
          asked[index]! += 1;
          call.write(Buffer.from('first'));
          call.emit('error', { code: status.UNAVAILABLE, details: 'later' });
        },
      }),
    ),
  );
  const gateway = await startGatewayFor(t, {
    service: { endpoints: servers.map(({ url }) => url), protocol: 'http2', ...service },
    gateway: { listeners: shopListeners },
  });
  const client = openShopClient(t, gateway);
  const codes = async (count: number) => {
    const list: number[] = [];
    for (let i = 0; i < count; i++) list.push((await client.get(message).outcome).status.code);
    return list;
  };
  return { gateway, client, asked, codes };
}

const soon = { backoff: { base: '1ms', max: '1ms' } } as const;

test('a call that ends with a status that is named is tried again at another endpoint', async (t) => {
  const retry = { grpcStatuses: ['unavailable', 'aborted'] } as const;
  const { gateway, client, asked } = await start(t, [[status.UNAVAILABLE], [status.OK]], { retry });
  const { status: end, messages: said } = await client.get(message).outcome;
  assert.deepEqual([end.code, said.map(String).join()], [status.OK, 'server 1']);
  assert.deepEqual(asked, [1, 1]);
  const [line] = await gateway.stop();
  assert.partialDeepStrictEqual(line, { attempts: 2, tried: [{ outcome: 'grpc-unavailable' }] });
});

test('the last status goes to the client as it came, and one that is not named does at once', async (t) => {
  const retry = { grpcStatuses: ['unavailable'], attempts: 2, ...soon } as const;
  const unavailable = await start(t, [[status.UNAVAILABLE]], { retry });
  const { status: end } = await unavailable.client.get(message).outcome;
  assert.deepEqual([end.code, end.details, unavailable.asked], [status.UNAVAILABLE, 'by 0', [3]]);
  const internal = await start(t, [[status.INTERNAL]], { retry });
  assert.deepEqual([await internal.codes(1), internal.asked], [[status.INTERNAL], [1]]);
});

test('without a name of a status, calls are sent once', async (t) => {
  const { codes, asked } = await start(t, [[status.UNAVAILABLE], [status.UNAVAILABLE]], {
    retry: { on: [503], methods: ['POST'] },
  });
  assert.deepEqual(await codes(1), [status.UNAVAILABLE]);
  assert.equal(asked[0]! + asked[1]!, 1);
});

test('a stream that has begun is not tried again', async (t) => {
  const { client, asked } = await start(t, [[status.OK]], { retry: { grpcStatuses: ['unavailable'], ...soon } });
  const { status: end, messages } = await client.watch(message).outcome;
  assert.deepEqual([end.code, messages.map(String)], [status.UNAVAILABLE, ['first']]);
  assert.deepEqual(asked, [1]);
});

for (const code of [status.UNAVAILABLE, status.INTERNAL, status.DEADLINE_EXCEEDED]) {
  test(`calls that end with ${status[code]} open the breaker of their service`, async (t) => {
    const { codes, asked } = await start(t, [[code]], { breaker: { minRequests: 3, openFor: '1h' } });
    assert.deepEqual(await codes(5), [code, code, code, status.UNAVAILABLE, status.UNAVAILABLE]);
    assert.deepEqual(asked, [3]);
  });
}

test('calls that end with NOT_FOUND, and whole ones, do not', async (t) => {
  const { codes } = await start(t, [[status.NOT_FOUND, status.OK]], { breaker: { minRequests: 1, openFor: '1h' } });
  assert.deepEqual(await codes(3), [status.NOT_FOUND, status.OK, status.OK]);
});

test('streams that end with UNAVAILABLE behind their messages open it too', async (t) => {
  const { client, asked } = await start(t, [[status.OK]], { breaker: { minRequests: 2, openFor: '1h' } });
  for (let i = 0; i < 3; i++) assert.equal((await client.watch(message).outcome).status.code, status.UNAVAILABLE);
  assert.deepEqual(asked, [2]);
});

test('an endpoint that answers UNAVAILABLE in a row is ejected', async (t) => {
  const outliers = { consecutiveFailures: 2, ejection: '1h' };
  const { codes, asked } = await start(t, [[status.UNAVAILABLE], [status.OK]], { outliers });
  const { UNAVAILABLE, OK } = status;
  assert.deepEqual(await codes(8), [UNAVAILABLE, OK, UNAVAILABLE, OK, OK, OK, OK, OK]);
  assert.deepEqual(asked, [2, 6]);
});
