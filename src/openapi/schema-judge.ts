/** Looks at schemas with the schema of schemas, so that what is wrong with one shows before it is compiled. */
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import type { JsonSchema } from '#pipeline/contract/contract.ts';
import { listWords } from '#schema/quote.ts';
import type { Fault, Place } from './document-files.ts';

/** Some mistakes have many faults. */
const FAULTS_MAX = 5;

export class SchemaJudge {
  readonly #language = new Ajv2020({ strict: false, allErrors: true, logger: false });

  findFaults(schema: JsonSchema, { file, steps }: Place): Fault[] {
    if (this.#language.validateSchema(schema as object) === true) return [];
    // Of one place the first says most: behind it comes what else could have stood there.
    const messages = new Map<string, string>();
    for (const error of this.#language.errors ?? [])
      if (!messages.has(error.instancePath)) messages.set(error.instancePath, toMessage(error));
    return [...messages].slice(0, FAULTS_MAX).map(([pointer, message]) => ({
      place: { file, steps: [...steps, ...toSteps(pointer)] },
      message,
    }));
  }
}

function toMessage({ keyword, params, message = 'is no schema' }: ErrorObject): string {
  const { allowedValues } = params as { readonly allowedValues?: readonly unknown[] };
  return keyword === 'enum' && allowedValues !== undefined ? `expected ${listWords(allowedValues.map(String))}` : message;
}

function toSteps(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')));
}
