import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readServiceDocuments } from './described-answers.ts';
import { writeServiceTypes } from './service-types.ts';

const folder = join(import.meta.dirname, 'testdata');

/** The file is written by `gatehouse types every-thing=services.yaml 2=shared.yaml delete=shared.yaml --out services.out.txt` there. */
test('documents become operations and types', async () => {
  const shared = { openapi: join(folder, 'shared.yaml') };
  const services = { 'every-thing': { openapi: join(folder, 'services.yaml') }, 2: shared, delete: shared };
  const { documents, problems } = await readServiceDocuments(services);
  assert.deepEqual(problems, []);
  const text = writeServiceTypes(documents, { source: 'shared.yaml, services.yaml', library: 'gatehouse' });
  assert.equal(text, readFileSync(join(folder, 'services.out.txt'), 'utf8'));
});

test('a document whose schemas are made of each other, many times over, comes to an end', async (t) => {
  const own = mkdtempSync(join(tmpdir(), 'gatehouse-types-'));
  t.after(() => rmSync(own, { recursive: true }));
  const names = Array.from({ length: 12 }, (_, i) => `T${i}`);
  const references = names.map((name) => `{ $ref: "#/components/schemas/${name}" }`);
  const document = `openapi: 3.1.0
info: { title: knots, version: "1" }
paths:
  /a: { get: { operationId: a, responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/T0" } } } } } } }
  /b: { get: { operationId: b, responses: { "200": { description: ok, content: { application/json: { schema: { $ref: "#/components/schemas/Knot" } } } } } } }
components:
  schemas:
    Knot: &knot { properties: { a: *knot, b: *knot } }
${names.map((name) => `    ${name}: { properties: { ${name}: { type: string } }, allOf: [${references.join(', ')}] }`).join('\n')}
`;
  writeFileSync(join(own, 'knots.yaml'), document);
  const { documents, problems } = await readServiceDocuments({ shop: { openapi: join(own, 'knots.yaml') } });
  assert.deepEqual(problems, []);
  const text = writeServiceTypes(documents, { source: 'knots.yaml', library: 'gatehouse' });
  for (const name of names) assert.match(text, new RegExp(`^ {2}${name}\\?: string;$`, 'm'));
  assert.match(text, /^export type Knot = /m);
});
