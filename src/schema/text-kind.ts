/** The pattern that all value kinds written as text share: one reader that yields a value or says what is wrong and what is right. */
import { z } from 'zod';
import { describeKind, describeValue } from './quote.ts';

/** What a reader makes of a text. A problem is one sentence that names the text and says what would be right. */
export type Reading<Value> = { readonly value: Value } | { readonly problem: string };

export interface TextKind<Value> {
  /** With its article, for messages: `a duration`. */
  readonly noun: string;
  readonly read: (text: string) => Reading<Value>;
  readonly examples: readonly [string, ...string[]];
  /** For editors. May let more pass than `read` does, never less. */
  readonly pattern?: RegExp;
  readonly help: string;
  /** Messages never show what is written. */
  readonly isSecret?: boolean;
}

/** Filled as schemas are declared. */
const secretTexts = new WeakSet<z.core.$ZodType>();

/** Whether what is written for this schema is a secret. It is that of the text, before anything is made of it. */
export function isSecretText(schema: z.core.$ZodType): boolean {
  const { parent } = schema._zod;
  return secretTexts.has(schema) || (parent !== undefined && isSecretText(parent));
}

/** Makes a schema of a kind: text in, value out; in JSON Schema a string with its pattern, examples and description. */
export function textKind<Value>(kind: TextKind<Value>): z.ZodType<Value, string> {
  const text = z.string({ error: (issue) => explainNoText(kind, issue.input) }).meta({
    description: kind.help,
    examples: [...kind.examples],
    ...(kind.pattern === undefined ? {} : { pattern: kind.pattern.source }),
  });
  if (kind.isSecret === true) secretTexts.add(text);
  return text.transform((input, context) => {
    const reading = kind.read(input);
    if ('value' in reading) return reading.value;
    context.issues.push({ code: 'custom', message: reading.problem, input });
    return z.NEVER;
  });
}

function explainNoText(kind: Pick<TextKind<unknown>, 'noun' | 'examples' | 'isSecret'>, input: unknown): string | undefined {
  // A missing value is the same mistake for every kind, so it is said in one place.
  if (input === undefined) return undefined;
  return `expected ${kind.noun} such as ${toExample(kind.examples[0])}, not ${kind.isSecret ? describeKind(input) : describeValue(input)}`;
}

function toExample(example: string): string {
  return `\`${example}\``;
}
