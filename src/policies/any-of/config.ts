import { z } from 'zod';
import { entryName } from '#schema/name.ts';

/** As much of a method as its settings need. */
export interface MethodSchema {
  readonly name: string;
  readonly config: z.ZodType;
}

/** The settings of one method under its name. */
type MethodBlock = Readonly<Record<string, unknown>>;

export interface AnyOfConfig {
  readonly methods: readonly MethodBlock[];
  readonly anonymous?: string | undefined;
}

const METHODS_MAX = 16;

/** The schema with these methods, whose settings are those of the policies of that name. */
export function toAnyOfConfig(methods: readonly MethodSchema[]): z.ZodType<AnyOfConfig> {
  const names = methods.map(({ name }) => `\`${name}\``).join(', ');
  const method = z
    .strictObject(
      Object.fromEntries(
        methods.map(({ name, config }) => [
          name,
          config.optional().describe(`The settings of the policy \`${name}\`, without \`anonymous\`.`),
        ]),
      ),
    )
    .superRefine((block: MethodBlock, context) => {
      const written = Object.entries(block).filter(([, settings]) => settings !== undefined);
      if (written.length !== 1)
        context.addIssue({
          code: 'custom',
          message: `each item is one method: ${names}`,
        });
      for (const [name, settings] of written) if (hasAnonymous(settings)) context.addIssue(anonymousInside(name));
    });
  return z.strictObject({
    methods: z
      .array(method)
      .min(2, 'one method alone is a policy by itself; `any-of` needs two or more')
      .max(METHODS_MAX)
      .describe('The methods, in the order in which they are tried, each with its settings: `- api-key: {}`.'),
    anonymous: entryName()
      .optional()
      .describe(
        'The consumer that those are who show no credential of any method. Without it they are refused; one that does not count is refused in any case.',
      ),
  });
}

function hasAnonymous(settings: unknown): boolean {
  return typeof settings === 'object' && settings !== null && 'anonymous' in settings && settings.anonymous !== undefined;
}

function anonymousInside(method: string): { code: 'custom'; message: string; path: string[] } {
  const message = 'nobody would get to the methods behind this one; write `anonymous` beside `methods`';
  return { code: 'custom', message, path: [method, 'anonymous'] };
}
