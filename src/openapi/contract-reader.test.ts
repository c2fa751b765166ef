import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import type { AnswerRules, RequestRules, SharedSchema } from '#pipeline/contract/contract.ts';
import { toSchemaLine } from '#pipeline/contract/contract.ts';
import { ContractImage } from '#pipeline/contract/contract-image.ts';
import { writeFolder } from '#test/support/contracts.ts';
import { type ContractReading, readContract } from './contract-reader.ts';
import { formatFaults } from './document-files.ts';

const head = (version: string) => `openapi: ${version}\ninfo: { title: Shop, version: "1" }\n`;

async function read(t: TestContext, files: Readonly<Record<string, string>>, form: 'openapi' | 'json-schema' = 'openapi') {
  const folder = writeFolder(t, files);
  const reading = await readContract({ form, file: join(folder, Object.keys(files)[0]!), patterns: 'refuse' });
  const told = (faults: ContractReading['faults']) =>
    [...reading.files.problems, ...formatFaults(faults, reading.files)].map((text) => text.replaceAll(`${folder}/`, ''));
  return { ...reading, told: told(reading.faults), toldPatterns: told(reading.patternFaults) };
}

function imageOf({ image }: ContractReading): ContractImage {
  assert.ok(image !== undefined);
  return new ContractImage(image);
}

/** The schema of the first operation's JSON body, with that of what it refers to. */
async function readSchema(t: TestContext, version: string, schema: string): Promise<unknown> {
  const reading = await read(t, {
    'shop.yaml': `${head(version)}paths:\n  /a:\n    post: { requestBody: { content: { application/json: { schema: ${schema} } } } }\ncomponents: { schemas: { Money: { type: number, minimum: 0 } } }\n`,
  });
  assert.deepEqual(reading.told, []);
  const image = imageOf(reading);
  const { body } = image.read<RequestRules>(image.index.paths[0]!.operations['POST']!.requestLine);
  return body?.media[0]?.use?.schema;
}

describe('OpenAPI 3.0 says in its own words', () => {
  const cases: readonly [string, string, unknown][] = [
    ['null', '{ type: string, nullable: true }', { type: ['string', 'null'] }],
    ['null in an enum', '{ type: string, nullable: true, enum: [a] }', { type: ['string', 'null'], enum: ['a', null] }],
    [
      'null without a type',
      '{ nullable: true, allOf: [{ minimum: 1 }] }',
      { anyOf: [{ type: 'null' }, { allOf: [{ minimum: 1 }] }] },
    ],
    [
      'exclusive limits',
      '{ minimum: 1, exclusiveMinimum: true, maximum: 9, exclusiveMaximum: false }',
      { exclusiveMinimum: 1, maximum: 9 },
    ],
    ['a reference alone', '{ $ref: "#/components/schemas/Money", nullable: true, description: x }', { $ref: 's0' }],
    [
      'examples and what is said to people',
      '{ type: string, example: a, description: b, xml: {}, x-own: 1 }',
      { type: 'string', example: 'a' },
    ],
  ];
  for (const [name, schema, expected] of cases) {
    test(name, async (t) => assert.deepEqual(await readSchema(t, '3.0.3', schema), expected));
  }
});

describe('OpenAPI 3.1 is JSON Schema 2020-12', () => {
  const cases: readonly [string, string, unknown][] = [
    ['types', '{ type: [string, "null"], exclusiveMinimum: 1 }', { type: ['string', 'null'], exclusiveMinimum: 1 }],
    ['what stands beside a reference', '{ $ref: "#/components/schemas/Money", maximum: 5 }', { maximum: 5, $ref: 's0' }],
    ['tuples', '{ prefixItems: [{ type: string }], items: false }', { prefixItems: [{ type: 'string' }], items: false }],
    ['conditions', '{ if: { const: 1 }, else: false }', { if: { const: 1 }, else: false }],
  ];
  for (const [name, schema, expected] of cases) {
    test(name, async (t) => assert.deepEqual(await readSchema(t, '3.1.0', schema), expected));
  }
});

test('references lead through files, anchors and shared parts, and each schema is there once', async (t) => {
  const reading = await read(t, {
    'shop.yaml': `${head('3.1.0')}paths:
  /items: { $ref: "paths.yaml#/items" }
components:
  responses: { Item: { content: { application/json: { schema: { $ref: "./types.json#/$defs/item" } } } } }
`,
    'paths.yaml': `items:
  parameters: [{ $ref: "#/page" }]
  get: { responses: { "200": { $ref: "shop.yaml#/components/responses/Item" } } }
page: { name: page, in: query, schema: { $ref: "types.json#count" } }
`,
    'types.json': JSON.stringify({
      $defs: {
        item: { type: 'object', properties: { parent: { $ref: '#/$defs/item' }, n: { $ref: '#count' } } },
        'a/b%': { $anchor: 'count', type: 'integer' },
      },
    }),
  });
  assert.deepEqual(reading.told, []);
  assert.equal(reading.files.asked.length, 3);
  const image = imageOf(reading);
  const { requestLine, answersLine } = image.index.paths[0]!.operations['GET']!;
  const { parameters } = image.read<RequestRules>(requestLine);
  assert.deepEqual([parameters[0]?.shape, parameters[0]?.use?.schema], [{ types: ['integer'] }, { $ref: 's0' }]);
  const { answers } = image.read<AnswerRules>(answersLine);
  assert.deepEqual(answers[0]?.media[0]?.use?.uses, [1]);
  const shared = [0, 1].map((number) => image.read<SharedSchema>(toSchemaLine(number)));
  assert.equal(image.index.schemaCount, 2);
  assert.deepEqual(
    shared.map(({ uses }) => uses),
    [[], [1, 0]],
  );
});

test('operations know their path, servers, parameters and styles', async (t) => {
  const reading = await read(t, {
    'shop.yaml': `${head('3.1.0')}servers: [{ url: "https://{host}/{base}/", variables: { host: { default: a.example }, base: { default: v2 } } }, { url: / }]
paths:
  /items/{id}:
    parameters:
      - { name: id, in: path, required: true, schema: { type: integer } }
      - { name: q, in: query, schema: { type: string } }
      - { name: Authorization, in: header, schema: { type: string } }
    get:
      operationId: getItem
      parameters: [{ name: q, in: query, style: pipeDelimited, schema: { type: array, items: { type: number } } }]
    post: { servers: [{ url: /upload }], responses: { 2XX: { description: ok } } }
`,
  });
  assert.deepEqual(reading.told, []);
  const image = imageOf(reading);
  const paths = image.index.paths.map(({ template, bases, operations }) => [
    template,
    bases,
    Object.entries(operations).map(([method, { name }]) => `${method} ${name}`),
  ]);
  assert.deepEqual(paths, [
    ['/items/{id}', ['/v2', ''], ['GET getItem']],
    ['/items/{id}', ['/upload'], ['POST POST /items/{id}']],
  ]);
  const { parameters } = image.read<RequestRules>(image.index.paths[0]!.operations['GET']!.requestLine);
  assert.deepEqual(
    parameters.map(({ in: place, name, style, explode, shape }) => [place, name, style, explode, shape.types]),
    [
      ['path', 'id', 'simple', false, ['integer']],
      ['query', 'q', 'pipeDelimited', false, ['array']],
    ],
  );
});

describe('what is wrong with a document is told with file, line and pointer', () => {
  const operation = (text: string) => `${head('3.1.0')}paths:\n  /a:\n    get:\n      ${text}\n`;
  const cases: readonly [string, string, RegExp][] = [
    [
      'a type',
      operation('parameters: [{ name: a, in: query, schema: { type: text } }]'),
      /^shop\.yaml:6:\d+: #\/paths\/~1a\/get\/parameters\/0\/schema\/type: expected `array`, `boolean`, .* or `string`$/,
    ],
    [
      'a reference to nothing',
      operation('requestBody: { $ref: "#/components/x" }'),
      /^shop\.yaml:6:\d+: #\/paths\/~1a\/get\/requestBody\/\$ref: `#\/components\/x` names nothing$/,
    ],
    ['a reference to another server', operation('requestBody: { $ref: "https://example.com/x" }'), /is on another server/],
    [
      'a reference in a circle',
      `${head('3.1.0')}paths: { /a: { get: { requestBody: { $ref: "#/x" } } } }\nx: { $ref: "#/x" }`,
      /leads in a circle/,
    ],
    [
      'a file that is not there',
      operation('requestBody: { $ref: "./other.yaml#/x" }'),
      /^other\.yaml: cannot be read: there is no such file$/,
    ],
    ['a place of a parameter', operation('parameters: [{ name: a, in: body }]'), /`in` is `path`, `query`, `header` or `cookie`/],
    ['a style', operation('parameters: [{ name: a, in: query, style: matrix }]'), /has one of the styles `form`/],
    ['a media type', operation('requestBody: { content: { json: {} } }'), /`json` is no media type/],
    ['a status', operation('responses: { ok: {} }'), /a status is a number such as 200/],
    [
      'two equal paths',
      `${head('3.1.0')}paths:\n  /a/{x}: {get: {}}\n  /a/{y}: {get: {}}\n`,
      /^shop\.yaml:5:\d+: #\/paths\/~1a~1\{y\}: another path stands for the same$/,
    ],
    ['a path without its slash', `${head('3.1.0')}paths: { a: {} }`, /a path begins with a slash/],
    ['OpenAPI 2.0', 'swagger: "2.0"\npaths: {}\n', /this is OpenAPI 2\.0/],
    ['no document', 'routes: {}\n', /`openapi` is missing/],
    ['another version', head('4.0.0'), /expected version 3\.0 or 3\.1/],
    ['YAML', 'openapi: 3.1.0\n\tpaths: {}\n', /^shop\.yaml:2:1/],
  ];
  for (const [name, text, expected] of cases) {
    test(name, async (t) => {
      const { told, image } = await read(t, { 'shop.yaml': text });
      assert.equal(image, undefined);
      assert.match(told.join('\n'), expected);
    });
  }

  test('a pattern that cannot be matched in linear time, apart from the others', async (t) => {
    const text = operation('parameters: [{ name: a, in: query, schema: { type: string, pattern: "^(?=a)" } }]');
    const { told, toldPatterns, image } = await read(t, { 'shop.yaml': text });
    assert.deepEqual([told, toldPatterns.length, image === undefined], [[], 1, false]);
    assert.match(
      toldPatterns[0]!,
      /#\/paths\/~1a\/get\/parameters\/0\/schema\/pattern: `\^\(\?=a\)` cannot be matched in linear time/,
    );
  });
});

test('a file with a schema is read in the dialect that it names', async (t) => {
  const draft = (version: string, schema: object) => JSON.stringify({ $schema: version, ...schema });
  const seven = 'http://json-schema.org/draft-07/schema#';
  const legacy = {
    $id: 'https://example.com/order',
    items: [{ type: 'string' }],
    additionalItems: false,
    dependencies: { a: ['b'], c: { minProperties: 2 } },
  };
  const old = await read(t, { 'order.json': draft(seven, legacy) }, 'json-schema');
  assert.deepEqual(imageOf(old).index.root?.use.schema, {
    prefixItems: [{ type: 'string' }],
    items: false,
    dependentRequired: { a: ['b'] },
    dependentSchemas: { c: { minProperties: 2 } },
  });
  const wrong = await read(
    t,
    { 'order.json': draft('https://json-schema.org/draft/2020-12/schema', { $dynamicRef: '#x' }) },
    'json-schema',
  );
  assert.match(wrong.told.join(), /`\$dynamicRef` is not understood/);
});

test('values of YAML that lead in a circle end', async (t) => {
  const { told } = await read(t, { 'shop.yaml': `${head('3.1.0')}paths: {}\nx-a: &a\n  b: *a\n` });
  assert.deepEqual(told, []);
});
