import { z } from 'zod';
import { filePath } from '#schema/file-path.ts';
import { forms, isMap } from '#schema/forms.ts';
import { mapping } from '#schema/mapping.ts';
import { errorRoot, requestRoots } from '#schema/mapping-reference.ts';
import { PAGE_VARIABLES, readPageText } from '#schema/page-text.ts';
import { listWords } from '#schema/quote.ts';
import { statusPattern } from '#schema/status-kind.ts';
import { byNarrowness, readStatusPattern, type StatusPattern } from '#schema/status-pattern.ts';
import { suggestWord } from '#schema/suggest.ts';

/** An error is answered before a body has been read, or because it cannot be. */
const { body: _, ...roots } = { ...requestRoots, error: errorRoot };

const PAGE_LENGTH_MAX = 256 * 1024;

const pageText = z
  .string()
  .min(1)
  .max(PAGE_LENGTH_MAX)
  .superRefine((text, context) => {
    for (const name of readPageText(text).unknown) {
      const suggestion = suggestWord(name, PAGE_VARIABLES);
      const ending =
        suggestion === undefined ? `known are ${listWords(PAGE_VARIABLES, 'and')}` : `did you mean \`\${${suggestion}}\`?`;
      context.addIssue({
        code: 'custom',
        message: `unknown variable \`\${${name}}\`; ${ending} \`$\${\` stands for the characters themselves`,
      });
    }
  });

const html = forms('a map with `file` or `text`', [
  {
    isMeant: (value) => isMap(value) && 'text' in value,
    schema: z.strictObject({
      text: pageText.describe('The page itself, with variables such as `${error.status}`; what they stand for is escaped.'),
    }),
  },
  {
    isMeant: isMap,
    schema: z.strictObject({
      file: filePath('A file with the page, relative to the folder of the configuration. It is watched.'),
    }),
  },
]);

const pageShape = {
  html: html.optional().describe('The page for those who would rather have HTML by their `Accept`.'),
  json: mapping({
    help: 'A mapping of `${error.status}`, `error.title`, `error.detail`, `error.code` and other references, in the place of the problem document.',
    roots,
  }).optional(),
} as const;

const page = z.strictObject(pageShape).superRefine((settings, context) => {
  if (settings.html === undefined && settings.json === undefined)
    context.addIssue({ code: 'custom', message: 'there is no page; give `html`, `json` or both' });
});

const statuses = z
  .record(z.string(), page)
  .superRefine((pages, context) => {
    for (const key of Object.keys(pages)) {
      const problem = findKeyProblem(key);
      if (problem !== undefined) context.addIssue({ code: 'custom', message: problem, path: [key] });
    }
  })
  .transform((pages) =>
    Object.entries(pages)
      .flatMap(toStatusPage)
      .toSorted((left, right) => byNarrowness(left.of, right.of)),
  );

export const errorPagesConfig = z
  .strictObject({
    ...pageShape,
    jsonType: z
      .string()
      .regex(/^application\/(?:[a-z0-9.-]+\+)?json$/, { error: 'expected a type of JSON, such as `application/problem+json`' })
      .default('application/json')
      .describe('The type of what `json` makes.'),
    statuses: statuses
      .optional()
      .describe('Pages for a status such as `404` or a class such as `5xx`, which go before the others.'),
    intercept: z
      .array(statusPattern())
      .min(1)
      .optional()
      .describe(
        'Statuses from 400 on: answers with them that are no errors of the gateway, those of services above all, get a page too.',
      ),
  })
  .superRefine(({ html: ownHtml, json, statuses: pages, intercept }, context) => {
    for (const [index, { first }] of (intercept ?? []).entries()) {
      if (first < 400)
        context.addIssue({ code: 'custom', message: 'only statuses from 400 on are errors', path: ['intercept', index] });
    }
    if (ownHtml !== undefined || json !== undefined || (pages?.length ?? 0) > 0 || intercept !== undefined) return;
    context.addIssue({ code: 'custom', message: 'there is no page; give `html`, `json`, `statuses` or `intercept`' });
  });

export type ErrorPagesConfig = z.output<typeof errorPagesConfig>;
export type ErrorPage = z.output<typeof page>;

function findKeyProblem(key: string): string | undefined {
  const reading = readStatusPattern(key);
  if ('problem' in reading) return reading.problem;
  return reading.value.first < 400 ? 'only statuses from 400 on are errors' : undefined;
}

function toStatusPage([key, settings]: [string, z.output<typeof page>]): {
  readonly of: StatusPattern;
  readonly page: z.output<typeof page>;
}[] {
  const reading = readStatusPattern(key);
  return 'problem' in reading ? [] : [{ of: reading.value, page: settings }];
}
