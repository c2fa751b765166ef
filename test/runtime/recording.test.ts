/** What a recording holds: whole exchanges, and no secret of any of them. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { startAnsweringService } from '#test/support/answering-service.ts';
import { ask } from '#test/support/ask.ts';
import { eventually } from '#test/support/eventually.ts';
import { createFolder, readRecorded, untilRecording } from '#test/support/recorded-lines.ts';
import { startTestGateway, type TestGateway } from '#test/support/test-gateway.ts';

const PATIENCE_MS = 60_000;

type Recording = NonNullable<Parameters<typeof startTestGateway>[0]['recording']>;

interface Site {
  readonly gateway: TestGateway;
  readonly port: number;
  readonly file: string;
  readonly service: Awaited<ReturnType<typeof startAnsweringService>>;
}

async function startSite(t: TestContext, recording: Partial<Recording> = {}, more: object = {}, given?: string): Promise<Site> {
  const file = given ?? join(await createFolder(t), 'traffic.jsonl');
  const service = await startAnsweringService(t, ({ target, body }) => JSON.stringify({ target, length: body.length }));
  const gateway = await startTestGateway({
    services: { shop: { endpoints: [service.url] } },
    routes: { shop: { match: { path: '/*' }, to: 'shop' } },
    recording: { to: { file }, sample: '100%', ...recording },
    ...more,
  });
  t.after(() => gateway.stop());
  await untilRecording(gateway.port(), file);
  return { gateway, port: gateway.port(), file, service };
}

test('a line tells of the request, of what was decided, of what the service was sent and said, and of the answer', async (t) => {
  const { port, file } = await startSite(
    t,
    {},
    {
      policies: { headers: { request: { set: { 'x-tier': 'gold' } }, response: { set: { 'x-by': 'gateway' } } } },
    },
  );
  const sent = { method: 'POST', headers: { 'content-type': 'application/json', host: 'shop.example' }, body: '{"a":1}' };
  assert.equal((await ask(port, '/orders?page=2', sent)).status, 200);
  await eventually(() => readRecorded(file).length === 1, 'it is recorded');
  const [line] = readRecorded(file);
  assert.ok(line !== undefined);
  assert.equal(line.recording, 1);
  assert.match(line.time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.equal(line.listener, 'web');
  assert.equal(line.client, '127.0.0.1');
  assert.deepEqual(line.request, {
    method: 'POST',
    scheme: 'http',
    authority: 'shop.example',
    target: '/orders?page=2',
    headers: [['content-type', 'application/json']],
    body: { bytes: 7, text: '{"a":1}' },
  });
  assert.equal(line.decision.route, 'shop');
  assert.equal(line.decision.service, 'shop');
  assert.equal(line.decision.status, 200);
  assert.deepEqual(line.decision.policies, []);
  const [call] = line.calls;
  assert.equal(call?.service, 'shop');
  assert.ok(call?.request.headers.some(([name, value]) => name === 'x-tier' && value === 'gold'));
  assert.equal(call?.answer?.status, 200);
  assert.deepEqual(call?.answer?.body, { bytes: 38, same: true });
  assert.ok(!call?.answer?.headers.some(([name]) => name === 'x-by'));
  assert.ok(line.answer.headers.some(([name, value]) => name === 'x-by' && value === 'gateway'));
  assert.deepEqual(line.answer.body, { bytes: 38, text: '{"target":"/orders?page=2","length":7}' });
  assert.ok(line.durationMs > 0 && (line.upstreamMs ?? 0) > 0);
});

test('no secret stands in the file, wherever it was, and equal ones are still equal', async (t) => {
  const token = `eyJhbGciOiJIUzI1NiJ9.${Buffer.from('{"sub":"ann"}').toString('base64url')}.c2lnbmF0dXJlLW9mLXRva2Vu`;
  const { port, file, service } = await startSite(
    t,
    { redact: { headers: ['x-tenant-id'], query: ['voucher'], json: ['/cards/*/number'] } },
    {
      consumers: { ann: { keys: ['key-of-ann-0123456789'] }, guests: {} },
      policies: {
        'api-key': { header: 'x-shop-pass', query: 'pass', anonymous: 'guests' },
        headers: { response: { add: { 'x-session-token': 'secret-in-answer' } } },
      },
    },
  );
  service.answer(({ response }) => {
    response.setHeader('set-cookie', ['sid=secret-set-cookie; Path=/; HttpOnly']);
    response.setHeader('location', 'http://user:secret-user-info@else.example/?access_token=secret-in-location');
    response.setHeader('content-type', 'application/json; charset=utf-8');
    response.end(
      '{"access_token":"secret-in-answer-body","note":"fine","cards":[{"number":"secret-card"},{"number":4111111111111111}]}',
    );
    return undefined;
  });
  const secrets = ['secret-', token, 'key-of-ann', '4111111111111111', 'dXNlcjpzZWNyZXQ='];
  const headers = {
    authorization: 'Basic dXNlcjpzZWNyZXQ=',
    cookie: 'sid=secret-cookie; theme=secret-theme',
    'x-shop-pass': 'key-of-ann-0123456789',
    'x-tenant-id': 'secret-tenant',
    'x-note': `see ${token}`,
    referer: 'http://a.example/?token=secret-in-referer',
    'content-type': 'application/json',
  };
  const asking = {
    method: 'POST',
    headers,
    body: '{"user":"ann","password":"secret-password","nested":{"client_secret":{"a":"secret-object"}},"cards":[]}',
  };
  assert.equal(
    (await ask(port, '/a?pass=key-of-ann-0123456789&api_key=secret-query&voucher=secret-voucher&page=2', asking)).status,
    200,
  );
  await ask(port, '/b?state=1&code=secret-code', { ...asking, body: '{"password":"secret-cut' });
  await ask(port, '/c', {
    ...asking,
    headers: { ...headers, 'content-type': 'application/x-www-form-urlencoded' },
    body: 'user=ann&password=secret-form&page=2',
  });
  await ask(port, '/d', {
    ...asking,
    headers: { ...headers, 'content-type': 'multipart/form-data; boundary=b' },
    body: '--b\r\ncontent-disposition: form-data; name="password"\r\n\r\nsecret-part\r\n--b--\r\n',
  });
  await ask(port, '/e', {
    ...asking,
    headers: { ...headers, 'content-encoding': 'gzip' },
    body: gzipSync('{"password":"secret-gzip","a":1}'),
  });
  await ask(port, '/f', {
    ...asking,
    headers: { ...headers, 'content-type': 'text/xml' },
    body: '<a><ns:password x="1">secret-xml</ns:password><b>fine</b></a>',
  });
  await eventually(() => readRecorded(file).length === 6, 'all are recorded');
  const text = readFileSync(file, 'utf8');
  for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} stands in ${text}`);
  assert.ok(!readRecorded(file).some(({ request }) => Buffer.from(request.body?.base64 ?? '', 'base64').includes('secret-')));
  const [first, gzipped, xml] = ['/a?', '/e', '/f'].map((start) =>
    readRecorded(file).find(({ request }) => request.target.startsWith(start)),
  );
  assert.match(
    first!.request.target,
    /^\/a\?pass=redacted:[0-9a-f]{16}&api_key=redacted:[0-9a-f]{16}&voucher=redacted:[0-9a-f]{16}&page=2$/,
  );
  const headerOf = (line: typeof first, name: string) => line?.request.headers.find(([field]) => field === name)?.[1];
  assert.match(headerOf(first, 'authorization') ?? '', /^Basic redacted:[0-9a-f]{16}$/);
  assert.match(headerOf(first, 'cookie') ?? '', /^sid=redacted:[0-9a-f]{16}; theme=redacted:[0-9a-f]{16}$/);
  assert.equal(headerOf(first, 'cookie'), headerOf(xml, 'cookie'));
  assert.match(
    first!.request.body?.text ?? '',
    /^\{"user":"ann","password":"redacted:[0-9a-f]{16}","nested":\{"client_secret":"redacted:/,
  );
  assert.match(gzipped!.request.body?.text ?? '', /^\{"password":"redacted:[0-9a-f]{16}","a":1\}$/);
  assert.equal(gzipped!.request.body?.coding, 'gzip');
  assert.match(xml!.request.body?.text ?? '', /<b>fine<\/b>/);
  assert.match(first!.answer.body?.text ?? '', /"note":"fine","cards":\[\{"number":"redacted:/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
});

test('bodies are kept up to their limits, flow as they would otherwise, and need not be kept at all', async (t) => {
  const { port, file, service, gateway } = await startSite(t, { bodies: { request: '8B', response: '1KiB' } });
  const large = 'x'.repeat(3_000_000);
  service.answer(({ body, response }) => {
    response.setHeader('content-type', 'text/plain');
    response.end(body);
    return undefined;
  });
  const answer = await ask(port, '/large', { method: 'PUT', body: large });
  assert.equal(answer.body.length, large.length);
  await eventually(() => readRecorded(file).length === 1, 'it is recorded');
  const [line] = readRecorded(file);
  assert.deepEqual(line?.request.body, { bytes: 3_000_000, text: 'xxxxxxxx', truncated: true });
  assert.deepEqual(line?.answer.body, { bytes: 3_000_000, text: 'x'.repeat(1024), truncated: true });
  const input = { services: { shop: { endpoints: [service.url] } }, routes: { shop: { match: { path: '/*' }, to: 'shop' } } };
  assert.deepEqual(await gateway.reconfigure({ ...input, recording: { to: { file }, sample: '100%', bodies: false } }), []);
  await ask(port, '/large', { method: 'PUT', body: 'abc' });
  await eventually(() => readRecorded(file).length === 2, 'it is recorded');
  assert.deepEqual(readRecorded(file)[1]?.request.body, { bytes: 3, omitted: 'nothing of it is kept' });
});

test('records what it is asked for: routes, methods, hosts, paths, statuses, and clients as they may be shown', async (t) => {
  const { port, file, service, gateway } = await startSite(t);
  service.answer(({ target }) => ({ status: target.includes('bad') ? 503 : 200, body: '{}' }));
  const input = {
    services: { shop: { endpoints: [service.url] } },
    routes: { shop: { match: { path: '/shop/*' }, to: 'shop' }, other: { match: { path: '/*' }, to: 'shop' } },
  } as const;
  const recording: Recording = {
    to: { file },
    sample: '100%',
    routes: ['shop'],
    match: { methods: ['post'], hosts: ['*.example'], paths: ['/shop/a*'], statuses: ['5xx'] },
    client: 'network',
  };
  assert.deepEqual(await gateway.reconfigure({ ...input, recording }), []);
  const asked: [string, string, string][] = [
    ['POST', '/shop/a-bad', 'www.example'],
    ['GET', '/shop/a-bad', 'www.example'],
    ['POST', '/shop/a-bad', 'example'],
    ['POST', '/shop/b-bad', 'www.example'],
    ['POST', '/shop/a-good', 'www.example'],
    ['POST', '/other/a-bad', 'www.example'],
    ['POST', '/shop/a/bad', 'www.example'],
  ];
  for (const [method, path, host] of asked) await ask(port, path, { method, headers: { host } });
  await eventually(() => readRecorded(file).length === 2, 'both are recorded');
  assert.deepEqual(
    readRecorded(file).map(({ request, client }) => [request.target, client]),
    [
      ['/shop/a-bad', '127.0.0.0'],
      ['/shop/a/bad', '127.0.0.0'],
    ],
  );
  const refused = await gateway.reconfigure({ ...input, recording: { ...recording, routes: ['shpo'] } });
  assert.deepEqual(refused, ['there is no route `shpo`; did you mean `shop`?']);
});

test('a file that becomes too long is followed by another one, and only so many are kept', async (t) => {
  const folder = await createFolder(t);
  const file = join(folder, 'traffic.jsonl');
  const { port } = await startSite(
    t,
    { to: { file, maxBytes: '64KiB', keep: 2 }, bodies: { request: '64KiB', response: '0B' } },
    {},
    file,
  );
  for (let i = 0; i < 10; i++) await ask(port, `/${i}`, { method: 'PUT', body: 'x'.repeat(20_000) });
  await eventually(() => readRecorded(file).some(({ request }) => request.target === '/9'), 'the last one is recorded');
  assert.deepEqual(readdirSync(folder).sort(), ['traffic.jsonl', 'traffic.jsonl.1']);
  for (const name of readdirSync(folder)) assert.ok(statSync(join(folder, name)).size <= 64 * 1024, name);
  assert.ok(readRecorded(`${file}.1`).length > 0);
});

test('what a full disk does not take is counted, and requests go on', { skip: !existsSync('/dev/full') }, async (t) => {
  const service = await startAnsweringService(t, () => '{}');
  const gateway = await startTestGateway({
    admin: { address: '127.0.0.1:0' },
    services: { shop: { endpoints: [service.url] } },
    routes: { shop: { match: { path: '/*' }, to: 'shop' } },
    recording: { to: { file: '/dev/full' }, sample: '100%' },
  });
  t.after(() => gateway.stop());
  const isLogged = () => gateway.events.some(({ message }) => message === 'recording cannot be written');
  const givesUpAt = performance.now() + PATIENCE_MS;
  while (!isLogged() && performance.now() < givesUpAt) assert.equal((await ask(gateway.port(), '/a')).status, 200);
  assert.equal(gateway.events.filter(({ message }) => message === 'recording cannot be written').length, 1);
});
