/** What a compiled schema says of a value. */
import type { ErrorObject } from 'ajv/dist/2020.js';

/** The check went on for longer than it may. */
export const tooManySteps = Symbol('too many steps');

/** `undefined`: the value is as it should be. An empty list: it is not, and it has more faults than can be listed. */
export type CheckResult = readonly ErrorObject[] | typeof tooManySteps | undefined;
