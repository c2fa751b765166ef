import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { readContracts, writeFolder } from '#test/support/contracts.ts';
import {
  type BenchAnswer,
  createPolicyBench,
  type PolicyBench,
  type PolicyBenchOptions,
  plan,
} from '#test/support/policy-bench.ts';
import { createPolicyServices, ManualTimers } from '#test/support/policy-services.ts';
import { validatePolicy } from './policy.ts';

const SHOP = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
servers: [{ url: https://api.example.com/v1 }]
paths:
  /items/{id}:
    parameters: [{ name: id, in: path, required: true, schema: { type: integer, minimum: 1 } }]
    get:
      parameters:
        - { name: limit, in: query, schema: { type: integer, maximum: 100 } }
        - { name: X-Trace, in: header, schema: { type: string, pattern: "^[0-9a-f]+$" } }
      responses:
        "200":
          headers: { x-rest: { required: true, schema: { type: integer } } }
          content: { application/json: { schema: { $ref: "#/components/schemas/Item" } } }
    put:
      requestBody:
        required: true
        content:
          application/json: { schema: { $ref: "#/components/schemas/Item" } }
          image/*: {}
          application/x-www-form-urlencoded: { schema: { $ref: "#/components/schemas/Item" } }
      responses: { "204": { description: done } }
components:
  schemas:
    Item:
      type: object
      required: [name, price]
      properties: { name: { type: string }, price: { type: number, minimum: 0 }, tags: { type: array, items: { type: string } } }
`;

const FORMS = `
openapi: 3.1.0
info: { title: Forms, version: "1" }
paths:
  /found:
    post:
      requestBody:
        content:
          application/x-www-form-urlencoded:
            schema:
              type: object
              properties:
                tags: { type: array, items: { type: integer } }
                at: { $ref: "#/components/schemas/Place" }
                more: { type: object, properties: { deep: { type: array } } }
                plain: { type: object, properties: { deep: { type: array } } }
            encoding:
              tags: { explode: false }
              at: { style: deepObject }
              more: { contentType: application/json }
      responses: { "204": { description: done } }
  /photos:
    post:
      requestBody:
        content:
          multipart/form-data:
            schema:
              type: object
              required: [photo, place]
              properties:
                photo: { type: string, format: binary, maxLength: 100 }
                place: { $ref: "#/components/schemas/Place" }
                stars: { type: integer }
                tags: { type: array, items: { type: string } }
            encoding: { photo: { contentType: "image/png, image/jpeg" } }
      responses: { "204": { description: done } }
components:
  schemas:
    Place: { type: object, required: [x, y], properties: { x: { type: number }, y: { type: number } } }
`;

async function benchWithForms(t: TestContext, settings: object): Promise<PolicyBench> {
  const file = join(writeFolder(t, { 'forms.yaml': FORMS }), 'forms.yaml');
  const contracts = await readContracts({ form: 'openapi', file, patterns: 'refuse' });
  return createPolicyBench({ policies: [await plan(validatePolicy, { openapi: file, ...settings }, { contracts })] });
}

async function benchWith(t: TestContext, settings: object, options: PolicyBenchOptions = {}): Promise<PolicyBench> {
  const file = join(writeFolder(t, { 'shop.yaml': SHOP }), 'shop.yaml');
  const contracts = await readContracts({ form: 'openapi', file, patterns: 'refuse' });
  const policies = [await plan(validatePolicy, { openapi: file, ...settings }, { contracts })];
  return createPolicyBench({ ...options, policies });
}

function errorsOf(answer: BenchAnswer): unknown {
  const { errors } = answer.json() as { readonly errors?: readonly { in: string; pointer: string; keyword: string }[] };
  return errors?.map(({ in: place, pointer, keyword }) => `${place} ${pointer} ${keyword}`);
}

const json = ['content-type', 'application/json'];
const put = (body: string, fields: readonly string[] = json) => ({ method: 'PUT', url: '/v1/items/7', fields, body: [body] });

test('requests as the document asks for them go to the service as they came', async (t) => {
  const bench = await benchWith(t, {});
  const body = '{ "name":"a",  "price":9007199254740993.10, "more":1e400 }';
  assert.equal((await bench.send({ url: '/v1/items/7?limit=5', fields: ['x-trace', 'ab12'] })).status, 200);
  assert.equal((await bench.send(put(body))).status, 200);
  assert.deepEqual(bench.seen.at(-1)?.body.join(''), body);
});

test('every mistake is listed, and no value of the request', async (t) => {
  const bench = await benchWith(t, {});
  const answer = await bench.send({ url: '/v1/items/zero?limit=101&limit', fields: ['x-trace', 'SECRET'] });
  assert.equal(answer.status, 400);
  assert.deepEqual(errorsOf(answer), ['query /limit duplicate', 'path /id type', 'header /X-Trace pattern']);
  assert.doesNotMatch(answer.text, /zero|101|SECRET/);
  const put1 = await bench.send(put('{"price":-1,"tags":["a",2]}'));
  assert.deepEqual(errorsOf(put1), ['body /name required', 'body /price minimum', 'body /tags/1 type']);
  assert.deepEqual(put1.exchange.error?.detail, { in: 'body', pointer: '/name', keyword: 'required', count: 3 });
  assert.equal(bench.seen.length, 0);
});

test('what the document does not have is refused, or let pass', async (t) => {
  const bench = await benchWith(t, {});
  assert.equal((await bench.send({ url: '/v1/nothing' })).status, 404);
  const answer = await bench.send({ url: '/v1/items/7', method: 'DELETE' });
  assert.deepEqual([answer.status, answer.values('allow')], [405, ['GET, PUT, HEAD']]);
  const passing = await benchWith(t, { unknown: 'pass' });
  assert.equal((await passing.send({ url: '/v1/nothing' })).status, 200);
  assert.equal((await passing.send({ url: '/v1/items/7', method: 'DELETE' })).status, 200);
});

describe('a body', () => {
  test('that is missing is a mistake', async (t) => {
    const bench = await benchWith(t, {});
    assert.deepEqual(errorsOf(await bench.send({ method: 'PUT', url: '/v1/items/7' })), ['body  required']);
  });

  test('of a type that is not declared is refused with what would be taken', async (t) => {
    const bench = await benchWith(t, {});
    for (const fields of [[], ['content-type', 'text/plain'], [...json, ...json]]) {
      const answer = await bench.send(put('{}', fields));
      assert.deepEqual(
        [answer.status, answer.values('accept')],
        [415, ['application/json, image/*, application/x-www-form-urlencoded']],
      );
    }
  });

  test('of a type that is not looked into passes as it comes', async (t) => {
    const bench = await benchWith(t, {});
    assert.equal((await bench.send(put('\u0089PNG', ['content-type', 'image/png']))).status, 200);
  });

  test('that is a form is read as one', async (t) => {
    const bench = await benchWith(t, {});
    const form = ['content-type', 'application/x-www-form-urlencoded'];
    assert.equal((await bench.send(put('name=a+b&price=5&tags=x&tags=y', form))).status, 200);
    assert.deepEqual(errorsOf(await bench.send(put('name=a&name=b&price=x', form))), ['body /name duplicate']);
    assert.deepEqual(errorsOf(await bench.send(put('name=a&price=x', form))), ['body /price type']);
  });

  test('that is a form is read as the document says its properties are written', async (t) => {
    const bench = await benchWithForms(t, {});
    const send = (body: string) =>
      bench.send({ method: 'POST', url: '/found', fields: ['content-type', 'application/x-www-form-urlencoded'], body: [body] });
    assert.equal((await send('tags=1,2,3&at[x]=1&at[y]=2&more={"deep":[1]}&plain={"deep":[]}')).status, 200);
    assert.deepEqual(errorsOf(await send('tags=1,two&at[x]=1&more={"deep":{}}')), [
      'body /tags/1 type',
      'body /at/y required',
      'body /more/deep type',
    ]);
    assert.deepEqual(errorsOf(await send('tags=1&tags=2')), ['body /tags duplicate']);
    assert.deepEqual(errorsOf(await send('more={"deep":[1]')), ['body /more syntax']);
  });

  test('that is a form with files is read part by part', async (t) => {
    const bench = await benchWithForms(t, {});
    const type = ['content-type', 'multipart/form-data; boundary=b'];
    const part = (head: string, text: string) => `--b\r\ncontent-disposition: form-data; name=${head}\r\n\r\n${text}\r\n`;
    const send = (...parts: string[]) =>
      bench.send({ method: 'POST', url: '/photos', fields: type, body: [`${parts.join('')}--b--\r\n`] });
    const photo = part('"photo"; filename="a.png"\r\ncontent-type: image/png', '\u0089PNG\r\n--x');
    const place = (text: string) => part('"place"', text);
    const good = [photo, place('{"x":1,"y":2}'), part('"stars"', '5'), part('"tags"', 'a'), part('"tags"', 'b')];
    assert.equal((await send(...good)).status, 200);
    assert.equal(bench.seen.at(-1)?.body.join(''), `${good.join('')}--b--\r\n`);
    assert.deepEqual(errorsOf(await send(photo, part('"stars"', 'six'))), ['body /place required', 'body /stars type']);
    assert.deepEqual(errorsOf(await send(photo, place('{"x":1}'))), ['body /place/y required']);
    assert.deepEqual(errorsOf(await send(photo, place('{"x":1'))), ['body /place syntax']);
    assert.deepEqual(errorsOf(await send(photo, place('{"x":1,"y":2}'), part('"stars"', '1'), part('"stars"', '2'))), [
      'body /stars duplicate',
    ]);
    const text = part('"photo"; filename="a.txt"\r\ncontent-type: text/plain', 'no picture');
    assert.deepEqual(errorsOf(await send(text, place('{"x":1,"y":2}'))), ['body /photo contentType']);
    const long = part('"photo"; filename="a.png"\r\ncontent-type: image/png', 'x'.repeat(101));
    assert.deepEqual(errorsOf(await send(long, place('{"x":1,"y":2}'))), ['body /photo maxLength']);
    assert.deepEqual(errorsOf(await send('preamble', photo)), ['body  syntax']);
    assert.deepEqual(errorsOf(await send(place('\u{e9}'))), ['body /place encoding']);
  });

  test('that is a form with files flows where only its type is asked for', async (t) => {
    const bench = await benchWithForms(t, { multipart: 'pass', maxBody: '1KiB' });
    const fields = ['content-type', 'multipart/form-data; boundary=b'];
    assert.equal((await bench.send({ method: 'POST', url: '/photos', fields, body: ['x'.repeat(2_000)] })).status, 200);
    const other = await bench.send({ method: 'POST', url: '/photos', fields: ['content-type', 'text/plain'], body: ['x'] });
    assert.equal(other.status, 415);
  });

  test('that cannot be looked into is refused', async (t) => {
    const bench = await benchWith(t, { maxDepth: 2 });
    assert.deepEqual(errorsOf(await bench.send(put('{"name":'))), ['body  syntax']);
    assert.deepEqual(errorsOf(await bench.send(put('{"name":"a","name":"b","price":1}'))), ['body  duplicate']);
    assert.deepEqual(errorsOf(await bench.send(put('{"name":[[1]]}'))), ['body  depth']);
    assert.equal((await bench.send(put('packed', [...json, 'content-encoding', 'gzip']))).status, 415);
  });

  for (const charset of ['utf-16', '"UTF-7"', 'utf-8; charset=ibm037', '"utf-8; charset=utf-16"'])
    test(`in another charset is refused: ${charset}`, async (t) => {
      const bench = await benchWith(t, {});
      const type = ['content-type', `application/json; charset=${charset}`];
      const answer = await bench.send(put('{"name":"x","price":1}', type));
      assert.deepEqual([answer.status, bench.seen.length], [415, 0]);
    });

  test('in UTF-8 may say so', async (t) => {
    const bench = await benchWith(t, {});
    for (const type of ['application/json;charset="UTF-8"', 'application/json; Charset=utf8; v=1'])
      assert.equal((await bench.send(put('{"name":"x","price":1}', ['content-type', type]))).status, 200);
  });

  test('may be as long as the setting says, and no byte longer', async (t) => {
    const bench = await benchWith(t, { maxBody: '1KiB' });
    const bodyOf = (bytes: number) => `{"name":"${'a'.repeat(bytes - 21)}","price":1}`.padEnd(bytes);
    assert.equal((await bench.send(put(bodyOf(1_024)))).status, 200);
    assert.equal((await bench.send(put(bodyOf(1_025)))).status, 413);
  });

  test('comes in pieces of any size', async (t) => {
    const bench = await benchWith(t, {});
    const whole = '{"name":"ä","price":1}';
    const pieces = [...Buffer.from(whole).toString('latin1')];
    assert.equal((await bench.send({ ...put(''), body: pieces })).status, 200);
    assert.equal(bench.seen[0]?.body.join(''), Buffer.from(whole).toString('latin1'));
  });
});

test('the status of refusals and how much they list are settings', async (t) => {
  const bench = await benchWith(t, { status: 422, maxErrors: 1 });
  const answer = await bench.send(put('{"price":-1}'));
  const { errors, errorCount } = answer.json() as { readonly errors: readonly unknown[]; readonly errorCount: number };
  assert.deepEqual([answer.status, errors.length, errorCount], [422, 1, 2]);
});

test('a field that a service could take for one that is declared is a mistake', async (t) => {
  const bench = await benchWith(t, {});
  const answer = await bench.send({ url: '/v1/items/7', fields: ['x_trace', 'evil', 'x-other', 'a', 'x_other', 'b'] });
  assert.deepEqual([answer.status, errorsOf(answer)], [400, ['header /X-Trace duplicate']]);
});

test('a name in the query that cannot be read is a mistake, since a service may read it all the same', async (t) => {
  const bench = await benchWith(t, {});
  const answer = await bench.send({ url: '/v1/items/7?%6cimi%C1%B4=1000' });
  assert.deepEqual([answer.status, errorsOf(answer)], [400, ['query  encoding']]);
});

test('what is not declared may be refused', async (t) => {
  const bench = await benchWith(t, { undeclared: { query: 'refuse', properties: 'refuse' } });
  assert.deepEqual(errorsOf(await bench.send({ url: '/v1/items/7?limit=1&debug=1' })), ['query /debug undeclared']);
  assert.deepEqual(errorsOf(await bench.send(put('{"name":"a","price":1,"x":1}'))), ['body /x additionalProperties']);
  assert.equal((await bench.send(put('{"name":"a","price":1}'))).status, 200);
});

test('a report lets everything pass, and looks only into bodies that it can hold', async (t) => {
  const bench = await benchWith(t, { mode: 'report', maxBody: '1KiB' });
  const wrong = '{"price":-1}';
  const answer = await bench.send({ ...put(wrong), contentLength: wrong.length });
  assert.deepEqual([answer.status, answer.exchange.reported?.detail?.['pointer']], [200, '/name']);
  assert.equal((await bench.send(put(wrong))).exchange.reported, undefined);
  assert.equal((await bench.send({ ...put(wrong), contentLength: 2_000 })).exchange.reported, undefined);
  assert.equal((await bench.send({ url: '/v1/nothing' })).exchange.reported?.code, 'GH_VALIDATE_UNKNOWN_PATH');
});

test('schemas are compiled ahead, or when the first request needs them', async (t) => {
  const file = join(writeFolder(t, { 'shop.yaml': SHOP }), 'shop.yaml');
  const contracts = await readContracts({ form: 'openapi', file, patterns: 'refuse' });
  const timers = new ManualTimers();
  const services = createPolicyServices({ contracts, later: timers.later });
  const bench = createPolicyBench({ policies: [await plan(validatePolicy, { openapi: file }, services)] });
  assert.deepEqual(timers.delaysMs, [0]);
  // While the first step is done and the rest waits for its turn, a request comes.
  timers.runAll();
  assert.deepEqual(errorsOf(await bench.send(put('{"price":1}'))), ['body /name required']);
  // The same document with the same settings is not compiled again.
  await plan(validatePolicy, { openapi: file }, services);
  assert.deepEqual(timers.delaysMs, []);
});

test('schemas of the configuration are asked of each place', async () => {
  const schema = (properties: object, required: readonly string[] = []) => ({ type: 'object', properties, required });
  const settings = {
    path: schema({ id: { type: 'integer' } }),
    query: schema({ page: { type: 'integer' }, tag: { type: 'array', items: { type: 'string' }, maxItems: 2 } }, ['page']),
    headers: schema({ 'x-shop': { enum: ['a', 'b'] }, host: { const: 'shop.example.com' } }, ['x-shop', 'host']),
    cookies: schema({ theme: { type: 'string', maxLength: 5 } }),
    body: schema({ n: { type: 'integer' } }),
  };
  const inline = Object.values(settings).map(
    (value) => ({ form: 'inline', text: JSON.stringify(value), patterns: 'refuse' }) as const,
  );
  const contracts = await readContracts(...inline);
  const bench = createPolicyBench({ policies: [await plan(validatePolicy, settings, { contracts })], path: '/items/:id' });
  const fine = {
    method: 'POST',
    url: '/items/5?page=1&tag=x&tag=y&q=1',
    fields: [...json, 'x-shop', 'a', 'cookie', 'theme=dark'],
  };
  assert.equal((await bench.send({ ...fine, body: ['{"n":1}'] })).status, 200);
  const wrong = { method: 'POST', url: '/items/x?tag=1&tag=2&tag=3', fields: [...json, 'x-shop', 'c', 'cookie', 'theme=darker'] };
  assert.deepEqual(errorsOf(await bench.send({ ...wrong, body: ['{"n":"x"}'] })), [
    'path /id type',
    'query /page required',
    'query /tag maxItems',
    'header /x-shop enum',
    'cookie /theme maxLength',
    'body /n type',
  ]);
});

describe('an answer', () => {
  const item = '{"name":"a","price":1}';
  const upstreamWith = (status: number, fields: readonly string[], body: string) => () => ({ status, fields, body: [body] });
  const fine = upstreamWith(200, [...json, 'x-rest', '5'], item);

  test('is asked for unpacked, and passes where it is as promised', async (t) => {
    for (const mode of ['report', 'refuse']) {
      const bench = await benchWith(t, { answers: { mode } }, { upstream: fine });
      const answer = await bench.send({ url: '/v1/items/7', fields: ['accept-encoding', 'gzip'] });
      assert.deepEqual([answer.status, answer.text, answer.exchange.reported], [200, item, undefined]);
      assert.match(bench.seen[0]!.head, /accept-encoding: identity\r\n/);
    }
  });

  const wrong: readonly [string, ReturnType<typeof upstreamWith>, string, string][] = [
    ['with a status that is not declared', upstreamWith(201, json, item), 'status', ''],
    ['without a header that is required', upstreamWith(200, json, item), 'header', '/x-rest'],
    ['of another media type', upstreamWith(200, ['content-type', 'text/html', 'x-rest', '1'], item), 'header', '/content-type'],
    ['without a property that is required', upstreamWith(200, [...json, 'x-rest', '1'], '{"name":"a"}'), 'body', '/price'],
    ['that is no JSON', upstreamWith(200, [...json, 'x-rest', '1'], '<html>'), 'body', ''],
  ];
  for (const [name, upstream, place, pointer] of wrong) {
    test(`${name} is reported`, async (t) => {
      const bench = await benchWith(t, { answers: {} }, { upstream });
      const { status, exchange } = await bench.send({ url: '/v1/items/7' });
      assert.equal(status, upstream().status);
      assert.equal(exchange.reported?.code, 'GH_VALIDATE_INVALID_ANSWER');
      assert.deepEqual([exchange.reported.detail?.['in'], exchange.reported.detail?.['pointer']], [place, pointer]);
    });

    test(`${name} is refused where that is asked for`, async (t) => {
      const bench = await benchWith(t, { answers: { mode: 'refuse' } }, { upstream });
      const answer = await bench.send({ url: '/v1/items/7' });
      assert.deepEqual([answer.status, answer.exchange.error?.code], [502, 'GH_VALIDATE_INVALID_ANSWER']);
      assert.doesNotMatch(answer.text, /"name"|html/);
    });
  }

  test('with more than is declared is wrong where that is asked for', async (t) => {
    const upstream = upstreamWith(200, [...json, 'x-rest', '1'], '{"name":"a","price":1,"internal":true}');
    const lax = await benchWith(t, { answers: {} }, { upstream });
    assert.equal((await lax.send({ url: '/v1/items/7' })).exchange.reported, undefined);
    const strict = await benchWith(t, { answers: { undeclared: 'refuse' } }, { upstream });
    assert.equal((await strict.send({ url: '/v1/items/7' })).exchange.reported?.detail?.['pointer'], '/internal');
  });

  test('that stands for one the client has, or is a part of one, is not looked at', async (t) => {
    for (const status of [304, 206]) {
      const bench = await benchWith(t, { answers: { mode: 'refuse' } }, { upstream: upstreamWith(status, [], '') });
      assert.equal((await bench.send({ url: '/v1/items/7' })).status, status);
    }
  });

  test('that is longer than is looked into passes', async (t) => {
    const upstream = upstreamWith(200, [...json, 'x-rest', '1'], `{"name":${' '.repeat(2_000)}`);
    for (const mode of ['report', 'refuse']) {
      const bench = await benchWith(t, { answers: { mode, maxBody: '1KiB' } }, { upstream });
      const { status, exchange } = await bench.send({ url: '/v1/items/7' });
      assert.deepEqual([status, exchange.reported], [200, undefined]);
    }
  });

  test('is looked at as often as the sample says', async (t) => {
    const bench = await benchWith(t, { answers: { sample: '20%' } }, { upstream: upstreamWith(201, json, item) });
    let reported = 0;
    for (let i = 0; i < 200; i++) if ((await bench.send({ url: '/v1/items/7' })).exchange.reported !== undefined) reported += 1;
    assert.ok(reported > 20 && reported < 60, `${reported} of 200`);
  });

  test('of the gateway itself is not looked at', async (t) => {
    const bench = await benchWith(t, { answers: { mode: 'refuse' } }, { upstream: fine });
    assert.equal((await bench.send({ url: '/v1/items/0' })).status, 400);
  });
});

test('an explanation names the operation and what would be looked at', async (t) => {
  const file = join(writeFolder(t, { 'shop.yaml': SHOP }), 'shop.yaml');
  const contracts = await readContracts({ form: 'openapi', file, patterns: 'refuse' });
  const config = (await validatePolicy.loadConfig()).parse({ openapi: file, answers: { sample: '2.5%' } });
  assert.equal(validatePolicy.describe?.(config), `by ${file}; answers: 2.5 % (report)`);
  const explain = (method: string, path: string) => {
    const request = { clientAddress: '192.0.2.1', method, path, query: '', exchange: undefined as never };
    return validatePolicy.explain?.(config, request, createPolicyServices({ contracts }));
  };
  assert.equal(
    explain('PUT', '/v1/items/7'),
    'operation PUT /items/{id} at /v1/items/{id}: path `id` (required), body as application/json or image/* or application/x-www-form-urlencoded (required)',
  );
  assert.equal(explain('GET', '/v1/x'), 'the document has no path for /v1/x: refused with 404');
  assert.equal(explain('POST', '/v1/items/7'), 'the document has GET, PUT, HEAD at /v1/items/7, not POST: refused with 405');
});
