import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
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
