import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { toContractKey } from '#pipeline/contract/contract.ts';
import { ContractImage } from '#pipeline/contract/contract-image.ts';
import { readContracts, writeFolder } from '#test/support/contracts.ts';
import { createPolicyBench, type PolicyBench, plan } from '#test/support/policy-bench.ts';
import { createPolicyServices } from '#test/support/policy-services.ts';
import { mockPolicy } from './policy.ts';
import { createSample } from './sample.ts';

const SHOP = `
openapi: 3.1.0
info: { title: Shop, version: "1" }
paths:
  /items/{id}:
    get:
      responses:
        default: { content: { application/json: { schema: { type: object, properties: { error: { type: string } } } } } }
        404: { content: { application/problem+json: { example: { status: 404 } } } }
        200:
          headers: { x-rest: { required: true, schema: { type: integer, minimum: 7 } }, x-other: { schema: { type: string } } }
          content:
            application/json:
              examples: { chair: { value: { id: 1 } }, table: { $ref: "#/components/examples/table" } }
              schema: { $ref: "#/components/schemas/Item" }
            text/csv: { example: "id\\n1\\n" }
            image/*: {}
    delete: { responses: { 204: { description: gone } } }
    put: { responses: { 2XX: { content: { application/json: { schema: { $ref: "#/components/schemas/Item" } } } } } }
    post: {}
components:
  examples: { table: { value: { id: 2 } } }
  schemas:
    Item:
      type: object
      required: [name]
      properties:
        name: { type: string, examples: [chair] }
        made: { type: [string, "null"], format: date }
        secret: { type: string, writeOnly: true }
        part: { $ref: "#/components/schemas/Item" }
`;

async function benchWith(t: TestContext, settings: object = {}): Promise<PolicyBench> {
  const openapi = join(writeFolder(t, { 'shop.yaml': SHOP }), 'shop.yaml');
  const contracts = await readContracts({ form: 'openapi', file: openapi, patterns: 'refuse' });
  return createPolicyBench({ policies: [await plan(mockPolicy, { openapi, ...settings }, { contracts })] });
}

test('the first answer of success is given, with its first example, and no service is asked', async (t) => {
  const bench = await benchWith(t);
  const answer = await bench.send({ url: '/items/7' });
  assert.deepEqual([answer.status, answer.json()], [200, { id: 1 }]);
  assert.deepEqual(
    [answer.values('content-type'), answer.values('x-rest'), answer.values('x-other')],
    [['application/json'], ['7'], []],
  );
  assert.equal(bench.seen.length, 0);
});

test('a client chooses status and example, and is told that it was heard', async (t) => {
  const bench = await benchWith(t);
  const prefer = async (text: string) => {
    const answer = await bench.send({ url: '/items/7', fields: ['prefer', text] });
    return [answer.status, answer.json(), ...answer.values('preference-applied')];
  };
  assert.deepEqual(await prefer('code=404'), [404, { status: 404 }, 'code=404']);
  assert.deepEqual(await prefer('respond-async, example="table"'), [200, { id: 2 }, 'example=table']);
  assert.deepEqual(await prefer('example=none'), [200, { id: 1 }]);
  assert.deepEqual(await prefer('code=418'), [418, { error: 'text' }, 'code=418']);
  assert.deepEqual(await prefer('code=999'), [200, { id: 1 }]);
  const deaf = await benchWith(t, { prefer: false });
  assert.equal((await deaf.send({ url: '/items/7', fields: ['prefer', 'code=404'] })).status, 200);
});

test('the media type is what the client accepts most', async (t) => {
  const bench = await benchWith(t);
  const accept = async (text: string) => {
    const answer = await bench.send({ url: '/items/7', fields: ['accept', text] });
    return [answer.status, ...answer.values('content-type')];
  };
  assert.deepEqual(await accept('text/csv, application/json;q=0.5'), [200, 'text/csv']);
  assert.deepEqual(await accept('text/*;q=0.1, */*'), [200, 'application/json']);
  assert.deepEqual(await accept('application/xml'), [406, 'application/problem+json']);
  assert.equal((await bench.send({ url: '/items/7', fields: ['accept', 'text/csv'] })).text, 'id\n1\n');
});

test('where there is no example, the schema makes one', async (t) => {
  const bench = await benchWith(t);
  const answer = await bench.send({ method: 'PUT', url: '/items/7' });
  const { name, made, part, ...rest } = answer.json() as Record<string, unknown>;
  assert.deepEqual([answer.status, name, made, typeof part, rest], [200, 'chair', '2024-01-01', 'object', {}]);
  assert.equal((await bench.send({ method: 'PUT', url: '/items/7' })).text, answer.text);
});

test('an answer without a body has none, and an operation without answers is no mock', async (t) => {
  const bench = await benchWith(t);
  const gone = await bench.send({ method: 'DELETE', url: '/items/7' });
  assert.deepEqual([gone.status, gone.text, gone.values('content-type')], [204, '', []]);
  assert.equal((await bench.send({ method: 'POST', url: '/items/7' })).status, 501);
});

test('what the document does not have goes to the service, or is refused', async (t) => {
  const bench = await benchWith(t);
  assert.equal((await bench.send({ url: '/other' })).text, 'served');
  const closed = await benchWith(t, { unknown: 'refuse' });
  assert.equal((await closed.send({ url: '/other' })).status, 404);
  assert.deepEqual((await closed.send({ method: 'PATCH', url: '/items/7' })).values('allow'), ['GET, PUT, POST, DELETE, HEAD']);
});

test('the status of the settings goes before that of the document', async (t) => {
  const bench = await benchWith(t, { status: 404, headers: { 'x-mock': 'yes' } });
  const answer = await bench.send({ url: '/items/7' });
  assert.deepEqual([answer.status, answer.values('x-mock')], [404, ['yes']]);
});

test('a fixed answer needs no document', async () => {
  const bench = createPolicyBench({
    policies: [await plan(mockPolicy, { status: 201, headers: { 'x-mock': 'yes' }, json: { id: '${path.id}' } })],
  });
  for (let i = 0; i < 2; i++) {
    const answer = await bench.send({ method: 'POST', url: '/items' });
    assert.deepEqual([answer.status, answer.text], [201, '{"id":"${path.id}"}']);
    assert.deepEqual([answer.values('content-type'), answer.values('x-mock')], [['application/json'], ['yes']]);
  }
});

test('an explanation says what would be answered', async (t) => {
  const openapi = join(writeFolder(t, { 'shop.yaml': SHOP }), 'shop.yaml');
  const contracts = await readContracts({ form: 'openapi', file: openapi, patterns: 'refuse' });
  const config = (await mockPolicy.loadConfig()).parse({ openapi });
  const explain = (method: string, path: string) => {
    const exchange = { field: () => undefined } as never;
    return mockPolicy.explain?.(
      config,
      { clientAddress: '', method, path, query: '', exchange },
      createPolicyServices({ contracts }),
    );
  };
  assert.equal(explain('GET', '/items/7'), 'operation GET /items/{id} is answered with 200, and no service is asked');
  assert.equal(explain('GET', '/other'), 'the document does not have GET /other: it goes on as if there were no mock');
});

describe('a value is made up that the schema allows', () => {
  const cases: readonly [object, unknown][] = [
    [{ type: 'integer', minimum: 5 }, 5],
    [{ type: 'integer', exclusiveMinimum: 5, multipleOf: 4 }, 8],
    [{ type: 'number', maximum: -2.5 }, -2.5],
    [{ type: 'string', minLength: 6 }, 'textte'],
    [{ type: 'string', maxLength: 2 }, 'te'],
    [{ type: 'string', format: 'uuid' }, '3fa85f64-5717-4562-b3fc-2c963f66afa6'],
    [{ enum: ['b', 'a'] }, 'b'],
    [{ const: null }, null],
    [{ type: 'array', minItems: 2, items: { type: 'boolean' } }, [true, true]],
    [{ type: 'array', prefixItems: [{ const: 1 }, { const: 2 }] }, [1, 2]],
    [{ allOf: [{ properties: { a: { const: 1 } } }, { properties: { b: { const: 2 } } }] }, { a: 1, b: 2 }],
    [{ anyOf: [{ type: 'null' }, { type: 'integer' }] }, 1],
    [{ type: 'object', properties: { a: { type: 'string', default: 'x' } } }, { a: 'x' }],
  ];
  for (const [schema, value] of cases) {
    test(JSON.stringify(schema), async () => {
      const source = { form: 'inline', text: JSON.stringify(schema), patterns: 'refuse' } as const;
      const { use } = new ContractImage((await readContracts(source))[toContractKey(source)]!).index.root!;
      assert.deepEqual(
        createSample(use.schema, () => assert.fail('nothing is referred to')),
        value,
      );
    });
  }

  test('and that is small, however schemas refer to each other', () => {
    const refs = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`p${i}`, { $ref: 's0' }]));
    const schema = { type: 'object', properties: refs };
    const text = JSON.stringify(createSample({ $ref: 's0' }, () => ({ schema, uses: [0] })));
    assert.ok(text.length < 100_000, `${text.length} characters`);
  });
});
