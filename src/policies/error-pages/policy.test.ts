import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GatewayError } from '#base/errors.ts';
import { upstreamErrors } from '#http/upstream-errors.ts';
import { gatewayErrors } from '#pipeline/gateway-errors.ts';
import { type BenchRequest, createPolicyBench, plan, planPhases, type UpstreamAnswer } from '#test/support/policy-bench.ts';
import { errorPagesPolicy } from './policy.ts';

const HTML = '<h1>${error.status} ${error.title}</h1><p>${error.detail}</p><a href="${path}">${requestId}</a>';
const browser = ['accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'];

async function answerWith(
  config: unknown,
  upstream: UpstreamAnswer,
  request: BenchRequest = {},
  texts: Readonly<Record<string, string>> = {},
) {
  const bench = createPolicyBench({ policies: [await plan(errorPagesPolicy, config, { texts })], upstream: () => upstream });
  return bench.send(request);
}

const failing: UpstreamAnswer = { error: upstreamErrors.unreachable() };

test('answers an error with HTML where a browser asks, and what a client sent is escaped', async () => {
  const answer = await answerWith({ html: { text: HTML } }, failing, { url: '/a<b>"&\'?q', fields: browser });
  assert.equal(answer.status, 502);
  assert.deepEqual(answer.fields, ['content-type', 'text/html; charset=utf-8', 'vary', 'accept']);
  assert.equal(
    answer.text,
    '<h1>502 Bad Gateway</h1><p>The service could not be reached.</p><a href="/a&lt;b&gt;&quot;&amp;&#39;">bench-request</a>',
  );
});

const accepts: readonly (readonly [accept: string | undefined, isHtml: boolean])[] = [
  [undefined, false],
  ['*/*', false],
  ['application/json', false],
  ['text/html', true],
  ['text/*', true],
  ['text/html;q=0.5, application/json;q=0.5', false],
  ['text/html;q=0.5, application/json;q=0.4', true],
  ['text/html;q=0.4, application/problem+json;q=0.5', false],
  ['text/html;q=0, */*', false],
  ['image/png', false],
];

for (const [accept, isHtml] of accepts) {
  test(`who accepts ${accept ?? 'whatever comes'} is answered with ${isHtml ? 'HTML' : 'a problem document'}`, async () => {
    const answer = await answerWith(
      { html: { text: HTML } },
      failing,
      accept === undefined ? {} : { fields: ['accept', accept] },
    );
    assert.equal(answer.values('content-type')[0], isHtml ? 'text/html; charset=utf-8' : 'application/problem+json');
    assert.deepEqual(answer.values('vary'), ['accept']);
    if (!isHtml) assert.equal((answer.json() as { code: string }).code, 'GH_UPSTREAM_UNREACHABLE');
  });
}

test('reads a page of a file, and leaves what is none of its variables', async () => {
  const texts = { '/pages/error.html': '<script>`${name} ${error.status}`; $${x}</script>' };
  const answer = await answerWith({ html: { file: '/pages/error.html' } }, failing, { fields: browser }, texts);
  assert.equal(answer.text, '<script>`${name} 502`; ${x}</script>');
});

test('answers programs with JSON of its own', async () => {
  const json = { error: { status: '${error.status}', reason: '${error.code}: ${error.detail}', at: '${path}' } };
  const answer = await answerWith({ json }, failing, { url: '/a' });
  assert.deepEqual(answer.fields, ['content-type', 'application/json']);
  const reason = 'GH_UPSTREAM_UNREACHABLE: The service could not be reached.';
  assert.equal(answer.text, `{"error":{"status":502,"reason":"${reason}","at":"/a"}}`);
});

test('falls back to the problem document where its JSON cannot be made', async () => {
  const answer = await answerWith({ json: { $number: '${error.title}' }, jsonType: 'application/problem+json' }, failing);
  assert.equal((answer.json() as { code: string }).code, 'GH_UPSTREAM_UNREACHABLE');
});

test('takes the page of the status before that of its class, and that before the general one', async () => {
  const config = {
    html: { text: 'any' },
    statuses: { '5xx': { html: { text: 'five' }, json: 'five' }, 502: { html: { text: 'one' } }, 404: { json: 'none' } },
  };
  const ask = async (error: GatewayError, fields: readonly string[]) => (await answerWith(config, { error }, { fields })).text;
  const unavailable = upstreamErrors.queueFull();
  assert.equal(await ask(upstreamErrors.unreachable(), browser), 'one');
  assert.equal(await ask(upstreamErrors.unreachable(), []), '"five"');
  assert.equal(await ask(unavailable, browser), 'five');
  assert.equal(await ask(gatewayErrors.noRoute(), browser), 'any');
  assert.equal(await ask(gatewayErrors.noRoute(), []), '"none"');
});

test('keeps what the error says beside its body', async () => {
  const refusal = gatewayErrors.internal({}, { fields: ['www-authenticate', 'Basic'], status: 401, retryAfterMs: 2_000 });
  const refusing = planPhases({ requestHead: () => refusal });
  const bench = createPolicyBench({ policies: [await plan(errorPagesPolicy, { html: { text: 'x' } }), refusing] });
  const answer = await bench.send({ fields: browser });
  assert.deepEqual([answer.status, answer.values('www-authenticate'), answer.values('retry-after')], [401, ['Basic'], ['2']]);
  assert.equal(answer.text, 'x');
});

const ofService: UpstreamAnswer = {
  status: 500,
  fields: ['content-type', 'text/plain', 'etag', '"1"', 'content-encoding', 'gzip', 'x-a', '1', 'set-cookie', 'a=1'],
  body: ['a trace of ', 'the inside'],
};

test('leaves errors of services alone, unless it is asked not to', async () => {
  const plain = await answerWith({ html: { text: 'x' } }, ofService, { fields: browser });
  assert.deepEqual([plain.text, plain.fields], ['a trace of the inside', ofService.fields]);
  const html = await answerWith({ html: { text: 'x${error.detail}${error.code}' }, intercept: ['5xx'] }, ofService, {
    fields: browser,
  });
  assert.deepEqual(
    [html.status, html.text, html.fields],
    [500, 'x', ['content-type', 'text/html; charset=utf-8', 'x-a', '1', 'set-cookie', 'a=1', 'vary', 'accept']],
  );
});

test('answers errors of services with a problem document where there is no page', async () => {
  const answer = await answerWith({ intercept: [500] }, ofService);
  assert.deepEqual(answer.json(), {
    type: 'about:blank',
    title: 'Internal Server Error',
    status: 500,
    requestId: 'bench-request',
  });
  assert.equal((await answerWith({ intercept: [501] }, ofService)).text, 'a trace of the inside');
});

test('waits for no answer that is too long, and sends its page once', async () => {
  const body = Array.from({ length: 20 }, () => 'x'.repeat(10_000));
  const answer = await answerWith({ intercept: [500], json: 'short' }, { status: 500, body });
  assert.deepEqual([answer.text, answer.isBrokenOff], ['"short"', false]);
});

test('an answer of a service that breaks off is an error of its own', async () => {
  const answer = await answerWith(
    { intercept: ['5xx'], json: '${error.code}' },
    { status: 500, body: ['x'], error: upstreamErrors.unreachable() },
  );
  assert.deepEqual([answer.status, answer.text], [502, '"GH_UPSTREAM_UNREACHABLE"']);
});

test('leaves clients of gRPC their status', async () => {
  const request = { method: 'POST', fields: ['content-type', 'application/grpc', ...browser], body: [''] };
  const answer = await answerWith({ html: { text: 'x' } }, failing, request);
  assert.deepEqual([answer.status, answer.values('grpc-status')], [200, ['14']]);
});

test('a HEAD request is told of the page, and gets none', async () => {
  const answer = await answerWith({ html: { text: 'x' } }, failing, { method: 'HEAD', fields: browser });
  assert.deepEqual([answer.text, answer.values('content-type')], ['', ['text/html; charset=utf-8']]);
});

test('a reload changes the pages of later answers', async () => {
  const bench = createPolicyBench({ policies: [await plan(errorPagesPolicy, { json: 'old' })], upstream: () => failing });
  const before = await bench.send();
  bench.reload([await plan(errorPagesPolicy, { json: 'new' })]);
  const after = await bench.send();
  assert.deepEqual([before.text, after.text], ['"old"', '"new"']);
});
