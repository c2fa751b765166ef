import { z } from 'zod';
import { contractBasePath, openApiDocument } from '#schema/contract-source.ts';
import { fieldMap } from '#schema/maps.ts';
import { freeFieldName } from '#schema/token.ts';

const JSON_LENGTH_MAX = 1_000_000;
const VALUE_LENGTH_MAX = 4_096;
/** Statuses whose answers have no body (RFC 9110 §6.4.1). */
const BODILESS_STATUSES: readonly number[] = [204, 205, 304];

const fieldValue = z
  .string()
  .max(VALUE_LENGTH_MAX)
  .regex(/^[\t\x20-\x7e]*$/, { error: 'a value of a header is text of ASCII, without line ends' });

export const mockConfig = z
  .strictObject({
    openapi: openApiDocument()
      .optional()
      .describe('A document of OpenAPI 3.0 or 3.1, whose examples are the answers; where it has none, its schemas make some.'),
    basePath: contractBasePath(),
    unknown: z
      .enum(['pass', 'refuse'])
      .default('pass')
      .describe(
        'What becomes of requests whose path or method the document does not have: `pass` sends them where the route leads, `refuse` answers 404 or 405.',
      ),
    prefer: z
      .boolean()
      .default(true)
      .describe('Clients may choose: `prefer: code=404` a status, `prefer: example=NAME` an example (RFC 7240).'),
    status: z
      .int()
      .min(200)
      .max(599)
      .optional()
      .describe(
        'The status of answers. Without it, the first one of 200 to 299 that the document declares; without a document, 200.',
      ),
    headers: fieldMap(freeFieldName(), fieldValue).optional().describe('Header fields of answers.'),
    json: z
      .unknown()
      .optional()
      .describe('The body of every answer, as JSON. Nothing in it is replaced; `respond` has variables.'),
  })
  .superRefine(({ openapi, basePath, json, status, headers }, context) => {
    const fail = (message: string, path: string[]) => context.addIssue({ code: 'custom', message, path });
    if (openapi === undefined && basePath !== undefined) fail('only a document has paths; give `openapi`', ['basePath']);
    if (openapi !== undefined && json !== undefined) fail('the document says what bodies are; give one of them', ['json']);
    if (openapi === undefined && json === undefined && status === undefined && headers === undefined)
      fail('there is nothing to answer with; give `openapi`, or `status`, `headers` and `json`', []);
    if (json === undefined) return;
    if (status !== undefined && BODILESS_STATUSES.includes(status))
      fail(`an answer with status ${status} has no body; leave out \`json\``, ['status']);
    if (JSON.stringify(json).length > JSON_LENGTH_MAX) fail(`a body of at most ${JSON_LENGTH_MAX} characters`, ['json']);
  });

export type MockConfig = z.output<typeof mockConfig>;
