/** What a schema finds wrong, in words that tell a client what to change and no value that it has sent. */
import type { ErrorObject } from 'ajv/dist/2020.js';
import { tooManySteps } from './check-result.ts';
import { createViolation, toPointer, type Violation } from './violation.ts';

/** `at`: the pointer of the value that was checked. */
export function toViolations(
  faults: readonly ErrorObject[] | typeof tooManySteps,
  place: Violation['in'],
  at: string,
): Violation[] {
  if (faults === tooManySteps) return [createViolation(place, at, 'complexity', 'takes too long to be checked')];
  const violations = new Map<string, Violation>();
  for (const fault of faults) {
    const violation = toViolation(fault, place, at);
    const key = `${violation.pointer} ${violation.keyword} ${violation.message}`;
    // Alternatives often have the same fault.
    if (!violations.has(key)) violations.set(key, violation);
  }
  return [...violations.values()];
}

function toViolation({ keyword, instancePath, params, message }: ErrorObject, place: Violation['in'], at: string): Violation {
  const pointer = at + instancePath;
  const named = namesProperty(keyword, params as Readonly<Record<string, unknown>>);
  if (named !== undefined) return createViolation(place, pointer + toPointer(named.name), keyword, named.message);
  return createViolation(place, pointer, keyword === 'false schema' ? 'false' : keyword, toMessage(keyword, message));
}

/** Faults of an object that are about one of its properties. */
function namesProperty(
  keyword: string,
  params: Readonly<Record<string, unknown>>,
): { name: string; message: string } | undefined {
  switch (keyword) {
    case 'required':
    case 'dependentRequired':
      return { name: String(params['missingProperty']), message: 'is missing' };
    case 'additionalProperties':
      return { name: String(params['additionalProperty']), message: 'is not declared' };
    case 'unevaluatedProperties':
      return { name: String(params['unevaluatedProperty']), message: 'is not declared' };
    default:
      return undefined;
  }
}

function toMessage(keyword: string, message: string | undefined): string {
  if (keyword === 'false schema') return 'must not be there';
  return (message ?? 'is not valid').replace('must NOT', 'must not');
}
