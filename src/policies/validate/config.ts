import { z } from 'zod';
import { bytes } from '#schema/bytes.ts';
import { contractBasePath, jsonSchemaSource, openApiDocument } from '#schema/contract-source.ts';
import { enforcement } from '#schema/enforcement.ts';
import { percentage } from '#schema/percentage.ts';

const DEPTH_MAX = 256;
const ERRORS_MAX = 200;

const passOrRefuse = (what: string) => z.enum(['pass', 'refuse']).default('pass').describe(what);

const undeclared = z.strictObject({
  query: passOrRefuse('Parameters of the query that the document does not name.'),
  properties: passOrRefuse(
    'Properties of bodies that no schema of the object names, where `additionalProperties` does not say anything; also those that are `readOnly`.',
  ),
});

const answers = z.strictObject({
  sample: percentage().prefault('100%').describe('Which share of the answers is looked at.'),
  mode: z
    .enum(['report', 'refuse'])
    .default('report')
    .describe(
      '`report` lets every answer pass at once, and logs what is wrong with it. `refuse` holds an answer until it is whole, and sends 502 in the place of one that is wrong.',
    ),
  maxBody: bytes({ min: '1KiB', max: '64MiB' }).prefault('1MiB').describe('Longer bodies are not looked into.'),
  undeclared: passOrRefuse('Properties that no schema names: `refuse` counts them as wrong.'),
});

const schemaHelp = (what: string) => `A JSON Schema for ${what}.`;

export const validateConfig = z
  .strictObject({
    openapi: openApiDocument()
      .optional()
      .describe('A document of OpenAPI 3.0 or 3.1: each request is compared with the operation that it asks for.'),
    basePath: contractBasePath(),
    unknown: z
      .enum(['refuse', 'pass'])
      .default('refuse')
      .describe('What becomes of requests whose path (404) or method (405) the document does not have.'),
    body: jsonSchemaSource().optional().describe(schemaHelp('bodies, which are JSON or a form then; there has to be one')),
    query: jsonSchemaSource().optional().describe(schemaHelp('the parameters of the query as an object')),
    headers: jsonSchemaSource().optional().describe(schemaHelp('the header fields as an object; names are in lower case')),
    path: jsonSchemaSource().optional().describe(schemaHelp('the captures of the route as an object')),
    cookies: jsonSchemaSource().optional().describe(schemaHelp('the cookies as an object')),
    undeclared: undeclared.prefault({}).describe('What nobody has declared.'),
    maxBody: bytes({ min: '1KiB', max: '64MiB' })
      .prefault('1MiB')
      .describe('How long a body may be that is looked into; it is held until it is whole.'),
    maxDepth: z.int().min(1).max(DEPTH_MAX).default(64).describe('How deeply the JSON of a body may be nested.'),
    multipart: z
      .enum(['check', 'pass'])
      .default('check')
      .describe(
        'What becomes of forms that may hold files (`multipart/form-data`) where a schema speaks of them: `check` holds and reads them like other bodies, `pass` looks at their media type only, so that uploads of any length flow.',
      ),
    status: z
      .union([z.literal(400), z.literal(422)])
      .default(400)
      .describe('The status of refusals of requests that are not as they should be.'),
    maxErrors: z.int().min(1).max(ERRORS_MAX).default(20).describe('How many mistakes a refusal lists.'),
    mode: enforcement(),
    answers: answers.optional().describe('Compares answers with the document too.'),
  })
  .superRefine((config, context) => {
    const schemas = (['body', 'query', 'headers', 'path', 'cookies'] as const).filter((name) => config[name] !== undefined);
    const fail = (message: string, path: string[]) => context.addIssue({ code: 'custom', message, path });
    if (config.openapi === undefined && schemas.length === 0)
      fail(
        'there is nothing to compare with; give `openapi`, or schemas for `body`, `query`, `headers`, `path` or `cookies`',
        [],
      );
    if (config.openapi !== undefined && schemas.length > 0)
      fail(`\`openapi\` says what \`${schemas[0]}\` has to be; give one of them`, [schemas[0]!]);
    if (config.openapi === undefined && config.basePath !== undefined)
      fail('only a document has paths; give `openapi`', ['basePath']);
    if (config.openapi === undefined && config.answers !== undefined)
      fail('only a document speaks of answers; give `openapi`', ['answers']);
  });

export type ValidateConfig = z.output<typeof validateConfig>;
