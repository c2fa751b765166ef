import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '#base/clock.ts';
import { silentLogger } from '#base/logger.ts';
import { loadConfigurationText } from '#config/load.ts';
import { policyOrder } from '#policies/registry.ts';
import { makeFolder } from '#test/support/gatehouse-process.ts';
import { ConfigurationSide } from './configuration-side.ts';

test('the present configuration is the latest of the history at every moment, also while that is written down', async (t) => {
  const folder = await makeFolder(t);
  const load = (port: number) =>
    loadConfigurationText(
      `version: 1
listeners: { web: { address: ":${port}" } }
routes: { hello: { match: { path: /hello }, to: { respond: { text: hello } } } }
history: { folder: ${folder} }
admin: { address: "127.0.0.1:0" }
`,
      'gatehouse.yaml',
      { policies: policyOrder, env: {} },
    );
  const side = new ConfigurationSide({
    clock: systemClock,
    logger: silentLogger,
    load: () => load(8080),
    loadText: () => load(8081),
  });
  const first = await side.source.load('file', { isAsked: true });
  await side.commit(first, { hash: 'a'.repeat(64), version: 1 });
  const second = await side.source.bring('', { source: 'api', by: 'alice' });
  let isOver = false;
  const committed = side.commit(second, { hash: 'b'.repeat(64), version: 2 }).then(() => {
    isOver = true;
  });
  while (!isOver) {
    assert.equal(side.history?.entries.at(-1)?.hash, side.present?.hash);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await committed;
  assert.equal(side.present?.hash, 'b'.repeat(64));
});
