import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { type TestContext, test } from 'node:test';
import type { Accepted } from './accept.ts';
import { ListeningSockets } from './listening-sockets.ts';

const CLIENTS = 64;

const endOfRound = () => new Promise((resolve) => setImmediate(resolve));

/** In how many rounds of the event loop all that come at once are accepted. Those in which nobody has come yet do not count. */
async function countRounds(context: TestContext, sharesPort: boolean): Promise<number> {
  const accepted: Accepted[] = [];
  const onAccepted = (one: Accepted) => void accepted.push(one);
  const sockets = await ListeningSockets.open({ host: '127.0.0.1', port: 0 }, { sharesPort, onAccepted });
  const address = sockets.addressOr({ host: '', port: 0 });
  assert.ok('port' in address && address.port > 0);
  const clients = Array.from({ length: CLIENTS }, () => connect(address));
  context.after(() => {
    sockets.close();
    for (const socket of [...clients, ...accepted.map((one) => one.socket)]) socket.destroy();
  });
  let rounds = 0;
  while (accepted.length < CLIENTS) {
    const before = accepted.length;
    await endOfRound();
    if (accepted.length > before) rounds += 1;
  }
  return rounds;
}

test('those who come at once are accepted many in a round, so that whoever is new does not wait for all who are busy', {
  skip: process.platform === 'linux' ? false : 'only Linux spreads connections over sockets',
}, async (context) => {
  const rounds = await countRounds(context, true);
  assert.ok(rounds < CLIENTS / 2, `${rounds} rounds`);
});

test('a socket of its own accepts all too', async (context) => {
  assert.ok((await countRounds(context, false)) > 0);
});

test('rejects where somebody else listens, and leaves nothing open', async (context) => {
  const taken = await ListeningSockets.open({ host: '127.0.0.1', port: 0 }, { sharesPort: false, onAccepted: () => undefined });
  context.after(() => taken.close());
  const address = taken.addressOr({ host: '', port: 0 });
  const opening = ListeningSockets.open(address, { sharesPort: true, onAccepted: () => undefined });
  await assert.rejects(opening, { code: 'EADDRINUSE' });
});
