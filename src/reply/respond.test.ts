import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJsonTemplate, parseTemplate, type Template } from '#schema/template.ts';
import { type BenchRequest, createPolicyBench } from '#test/support/policy-bench.ts';
import { RespondTerminal } from './respond.ts';

interface Written {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly json?: unknown;
}

function toTemplate(reading: ReturnType<typeof parseTemplate>): Template {
  assert.ok('value' in reading);
  return reading.value;
}

function toBody({ text, json }: Written) {
  if (text !== undefined)
    return { contentType: 'text/plain; charset=utf-8', template: toTemplate(parseTemplate(text)), escaping: 'none' as const };
  if (json === undefined) return undefined;
  return { contentType: 'application/json', template: toTemplate(parseJsonTemplate(json)), escaping: 'json' as const };
}

function send(written: Written, request: BenchRequest = {}) {
  const headers = Object.entries(written.headers ?? {}).map(([name, value]) => ({
    name,
    value: toTemplate(parseTemplate(value)),
  }));
  const terminal = new RespondTerminal({ status: written.status ?? 200, headers, body: toBody(written) });
  return createPolicyBench({ terminal, path: '/hello/:name' }).send({ url: '/hello/world', ...request });
}

test('answers with a text', async () => {
  const answer = await send({ text: 'hello ${path.name}\n' });
  assert.deepEqual([answer.status, answer.text], [200, 'hello world\n']);
  assert.deepEqual(answer.fields, ['content-type', 'text/plain; charset=utf-8']);
});

test('answers with JSON, with variables in its texts', async () => {
  const answer = await send({ json: { hello: '${path.name}', list: [1, true, null, '${method}'] } });
  assert.deepEqual(answer.json(), { hello: 'world', list: [1, true, null, 'GET'] });
  assert.deepEqual(answer.values('content-type'), ['application/json']);
});

test('a value that holds quotes, backslashes and line ends stays one JSON text', async () => {
  const answer = await send({ json: { hello: '${path.name}' } }, { url: '/hello/%22,%22a%22:1,%5D%0A%22' });
  assert.deepEqual(answer.json(), { hello: '","a":1,]\n"' });
});

test('text is sent as UTF-8, and its length counts bytes', async () => {
  const answer = await send({ text: '${path.name}' }, { url: '/hello/caf%C3%A9' });
  assert.equal(Buffer.from(answer.text, 'latin1').toString('utf8'), 'café');
});

test('sets fields, and a content type of its own', async () => {
  const answer = await send({ text: '<p>', headers: { 'content-type': 'text/html', 'x-name': '${path.name}' } });
  assert.deepEqual(answer.fields, ['content-type', 'text/html', 'x-name', 'world']);
});

test('a line end in a value begins no field', async () => {
  const answer = await send({ headers: { 'x-name': '${path.name}' } }, { url: '/hello/a%0d%0ax-evil:%201' });
  assert.equal(answer.fieldText, 'x-name: a%0D%0Ax-evil:%201\r\n');
});

for (const status of [200, 204, 404, 503]) {
  test(`answers ${status} without a body`, async () => {
    const answer = await send({ status });
    assert.deepEqual([answer.status, answer.fields, answer.text], [status, [], '']);
  });
}

test('answers HEAD with the fields alone', async () => {
  const answer = await send({ text: 'hello' }, { method: 'HEAD' });
  assert.deepEqual([answer.text, answer.values('content-type')], ['', ['text/plain; charset=utf-8']]);
});

test('does not wait for a request body', async () => {
  assert.equal((await send({ text: 'hello' }, { method: 'POST', body: ['ignored'] })).text, 'hello');
});
