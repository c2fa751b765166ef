/** Documents and schemas that messages are compared with, as policies name them. */
import { z } from 'zod';
import { filePath } from './file-path.ts';
import { forms, isMap, isText } from './forms.ts';

/** What becomes of patterns that cannot be matched in linear time. */
export type PatternHandling = 'refuse' | 'skip';

export interface ContractFile {
  readonly form: 'openapi' | 'json-schema';
  readonly file: string;
  readonly patterns: PatternHandling;
}

export interface InlineContract {
  readonly form: 'inline';
  /** The schema as JSON. */
  readonly text: string;
  readonly patterns: PatternHandling;
}

/** As settings of policies name it, once they are validated. */
export type ContractSource = ContractFile | InlineContract;

const SCHEMA_KEYWORDS_MAX = 200;

const patterns = () =>
  z
    .enum(['refuse', 'skip'])
    .default('refuse')
    .describe(
      'Patterns are matched in linear time, so that no text keeps the gateway busy. Look-arounds and back references cannot be: `refuse` refuses a configuration with such patterns, `skip` does not check them.',
    );

/** A document of OpenAPI 3.0 or 3.1. */
export function openApiDocument(): z.ZodType<ContractSource, string | z.input<ReturnType<typeof fileMap>>> {
  return contractFile('openapi');
}

export function contractBasePath() {
  return z
    .string()
    .regex(/^(?:\/[^/?#\s]+)*$/, { error: 'expected a path such as `/v1`, without a slash at its end' })
    .optional()
    .describe('Where the paths of the document stand at the gateway. Without it, the paths of its `servers` say so.');
}

/** A JSON Schema, written here or in a file. */
export function jsonSchemaSource() {
  return forms('a JSON Schema, or the file that it is in: `{ file: PATH }`', [
    {
      isMeant: (value) => isMap(value) && isText(value['file']),
      schema: fileMap().transform(({ file, patterns }): ContractSource => ({ form: 'json-schema', file, patterns })),
    },
    {
      isMeant: isMap,
      schema: z
        .record(z.string(), z.unknown())
        .refine((schema) => Object.keys(schema).length <= SCHEMA_KEYWORDS_MAX, {
          error: `a schema has at most ${SCHEMA_KEYWORDS_MAX} keywords`,
        })
        .transform((schema): ContractSource => ({ form: 'inline', text: JSON.stringify(schema), patterns: 'refuse' })),
    },
  ]);
}

function fileMap() {
  return z.strictObject({
    file: filePath('A YAML or JSON file. Files beside it that it refers to are read too, and all of them are watched.'),
    patterns: patterns(),
  });
}

function contractFile(form: ContractFile['form']): z.ZodType<ContractSource, string | z.input<ReturnType<typeof fileMap>>> {
  return forms('the path of a file, or a map with `file`', [
    {
      isMeant: isText,
      schema: filePath(
        'A YAML or JSON file. Files beside it that it refers to are read too, and all of them are watched.',
      ).transform((file): ContractSource => ({ form, file, patterns: 'refuse' })),
    },
    { isMeant: isMap, schema: fileMap().transform(({ file, patterns }): ContractSource => ({ form, file, patterns })) },
  ]);
}
