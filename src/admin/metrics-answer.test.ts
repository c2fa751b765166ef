import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { ask } from '#test/support/ask.ts';
import { eventuallyAnswers } from '#test/support/eventually.ts';
import { RawClient } from '#test/support/raw-client.ts';
import { acceptsGzip, chooseFormat, MetricsAnswers } from './metrics-answer.ts';

const prometheus2 =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const prometheus3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

const formats: readonly (readonly [accept: string | undefined, format: string])[] = [
  [undefined, 'prometheus'],
  ['', 'prometheus'],
  ['*/*', 'prometheus'],
  ['text/plain', 'prometheus'],
  ['application/json', 'prometheus'],
  [prometheus2, 'openmetrics'],
  [prometheus3, 'openmetrics'],
  ['Application/OpenMetrics-Text; Version="1.0.0"', 'openmetrics'],
  ['application/openmetrics-text', 'openmetrics'],
  ['application/openmetrics-text; version=0.0.1', 'prometheus'],
  ['application/openmetrics-text; q=0', 'prometheus'],
  ['application/openmetrics-text; q=none', 'prometheus'],
  ['text/plain;version=0.0.4;q=0.9, application/openmetrics-text;version=1.0.0;q=0.2', 'prometheus'],
  ['application/openmetrics-text;;;,,;=', 'openmetrics'],
];

for (const [accept, format] of formats)
  test(`\`${accept}\` gets the form of ${format}`, () => assert.equal(chooseFormat(accept), format));

const codings: readonly (readonly [acceptEncoding: string | undefined, isAccepted: boolean])[] = [
  [undefined, false],
  ['', false],
  ['identity', false],
  ['gzip', true],
  ['deflate, GZIP;q=0.1', true],
  ['gzip;q=0', false],
  ['gzip;q=0, *', false],
  ['*', true],
  ['*;q=0', false],
];

for (const [acceptEncoding, isAccepted] of codings)
  test(`\`${acceptEncoding}\` ${isAccepted ? 'takes' : 'does not take'} gzip`, () =>
    assert.equal(acceptsGzip(acceptEncoding), isAccepted));

test('of many who ask and stop reading only so many are answered, and others are as soon as these are gone', async (t) => {
  // More than the buffers of the system hold for one who does not read.
  const page = Buffer.alloc(16 * 1024 * 1024, '#');
  const answers = new MetricsAnswers({ renderMetrics: async () => page });
  const server = createServer((request, response) => void answers.answer(request, response));
  t.after(() => server.close());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const open = new Set<RawClient>();
  const stall = async () => {
    const client = await RawClient.open(port);
    client.socket.pause();
    client.send('GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n');
    open.add(client);
  };
  const leave = () => {
    for (const client of open) client.socket.destroy();
    open.clear();
  };
  t.after(leave);
  // Where the machine stands still for as long as one may stop reading, the first ones are gone before the last one has come.
  await eventuallyAnswers(async () => {
    leave();
    await Promise.all(Array.from({ length: limits.scrapesAtOnceMax }, stall));
    assert.equal((await ask(port, '/metrics')).status, 503);
  });
  leave();
  await eventuallyAnswers(async () => assert.equal((await ask(port, '/metrics')).status, 200));
});
