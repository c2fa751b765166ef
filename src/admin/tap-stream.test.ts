import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import type { TapTaker } from './exchange-administration.ts';
import { TapStream } from './tap-stream.ts';

interface Opened {
  readonly stream: ReadableStream<Uint8Array>;
  readonly taker: TapTaker;
  readonly left: { count: number };
}

function open(t: TestContext, exchangesMax?: number): Opened {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const left = { count: 0 };
  let taker: TapTaker | undefined;
  const stream = TapStream.open({
    exchangesMax,
    begin: (begun) => {
      taker = begun;
      return {
        leave() {
          left.count += 1;
        },
      };
    },
  });
  return { stream: stream!, taker: taker!, left };
}

test('a reader that is slow gets what has room, and is told how much it has missed', async (t) => {
  const { stream, taker } = open(t);
  for (let i = 0; i < 1_000; i++) taker.onExchange({ i });
  const reader = stream.getReader();
  let read = '';
  const readOne = async () => {
    const { value } = await reader.read();
    read += Buffer.from(value!).toString();
  };
  // What is said first, and 255 exchanges.
  for (let i = 0; i < 256; i++) await readOne();
  assert.equal(read.match(/event: exchange/g)?.length, 255);
  await readOne();
  assert.match(read, /event: dropped\ndata: \{"count":745\}\n\n$/);
  taker.onExchange({ i: 'later' });
  await readOne();
  assert.match(read, /event: exchange\ndata: \{"i":"later"\}\n\n$/);
});

test('a reader that reads nothing is left after two signs of life that found no room', (t) => {
  const { taker, left } = open(t);
  for (let i = 0; i < 300; i++) taker.onExchange({ i });
  t.mock.timers.tick(15_000);
  assert.equal(left.count, 0);
  t.mock.timers.tick(15_000);
  assert.equal(left.count, 1);
  // What comes then, nobody is told.
  taker.onExchange({ i: 'later' });
  taker.onDropped(3);
});

test('signs of life keep the connection open', async (t) => {
  const { stream, taker } = open(t);
  t.mock.timers.tick(45_000);
  taker.onEnd();
  assert.equal(await text(stream), `: tapping\n\n${': keep-alive\n\n'.repeat(3)}`);
});

test('it ends after as many exchanges as were asked for', async (t) => {
  const { stream, taker, left } = open(t, 2);
  for (let i = 0; i < 5; i++) taker.onExchange({ i });
  assert.equal(left.count, 1);
  assert.equal((await text(stream)).match(/event: exchange/g)?.length, 2);
});

test('a reader that goes away ends the tap', async (t) => {
  const { stream, left } = open(t);
  await stream.cancel();
  assert.equal(left.count, 1);
});

test('where there are as many taps as may be, there is no stream', () => {
  assert.equal(TapStream.open({ exchangesMax: undefined, begin: () => undefined }), undefined);
});
