/** Looks at schemas with the schema of schemas, so that what is wrong with one shows before it is compiled. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { JsonSchema } from '#pipeline/contract/contract.ts';
import type { Fault, Place } from './document-files.ts';

/** Some mistakes have many faults. */
const FAULTS_MAX = 5;

export class SchemaJudge {
  readonly #language = new Ajv2020({ strict: false, allErrors: true, logger: false });

  findFaults(schema: JsonSchema, { file, steps }: Place): Fault[] {
    if (this.#language.validateSchema(schema as object) === true) return [];
    const errors = this.#language.errors ?? [];
    return errors.slice(0, FAULTS_MAX).map(({ instancePath, message }) => ({
      place: { file, steps: [...steps, ...toSteps(instancePath)] },
      message: message ?? 'is no schema',
    }));
  }
}

function toSteps(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((step) => (/^\d+$/.test(step) ? Number(step) : step.replaceAll('~1', '/').replaceAll('~0', '~')));
}
