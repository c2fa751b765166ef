/** From one version of a service to another in one change of the configuration, under load: every request is answered whole. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayInput } from '#config/define-gateway.ts';
import { eventually } from '#test/support/eventually.ts';
import { onEachRequest } from '#test/support/forwarding.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { startRawUpstream } from '#test/support/raw-upstream.ts';
import { startTestGateway } from '#test/support/test-gateway.ts';

const CLIENTS = 6;
const REQUESTS_BEFORE = 20;
const REQUESTS_AFTER = 20;

for (const threads of [0, 2]) {
  test(`no request is lost when \`to\` changes while requests run, with ${threads} data threads`, async () => {
    const answerAs = (name: string) =>
      onEachRequest((connection) => connection.send(`HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n${name}\n`));
    const [blue, green] = [await startRawUpstream(answerAs('blue_')), await startRawUpstream(answerAs('green'))];
    const to = (service: string): Partial<GatewayInput> => ({
      services: { blue: { endpoints: [blue.url] }, green: { endpoints: [green.url] } },
      routes: { all: { match: { path: '/*' }, to: service } },
    });
    const gateway = await startTestGateway(to('blue'), { threads });
    let answered = 0;
    let isChanged = false;
    const runClient = async (): Promise<string[]> => {
      const client = await RawClient.open(gateway.port());
      const bodies: string[] = [];
      for (let left = REQUESTS_AFTER; left > 0; left -= isChanged ? 1 : 0) {
        const wasChanged = isChanged;
        client.send('GET / HTTP/1.1\r\nhost: shop\r\n\r\n');
        const body = /(blue_|green)\n$/.exec(await client.until(/(blue_|green)\n$/))![1]!;
        assert.ok(client.take().startsWith('HTTP/1.1 200 OK\r\n'));
        // What begins after the change goes to the new one.
        if (wasChanged) assert.equal(body, 'green');
        bodies.push(body);
        answered += 1;
      }
      client.close();
      return bodies;
    };
    const running = Promise.all(Array.from({ length: CLIENTS }, runClient));
    await eventually(() => answered >= CLIENTS * REQUESTS_BEFORE, 'the load runs');
    assert.deepEqual(await gateway.reconfigure(to('green')), []);
    isChanged = true;
    const bodies = (await running).flat();
    assert.ok(bodies.includes('blue_') && bodies.includes('green'));
    const lines = await gateway.stop();
    assert.equal(lines.length, bodies.length);
    assert.ok(lines.every(({ status, code }) => status === 200 && code === undefined));
    await Promise.all([blue.close(), green.close()]);
  });
}
