/** What policies that find out who asks have in common: where the credential is, and who those are who show none. */
import { z } from 'zod';
import { entryName } from './name.ts';
import { freeFieldName, token } from './token.ts';

/** Where a credential is looked for when nothing is written. */
export interface UsualPlace {
  readonly header: string;
  readonly scheme?: string;
}

/** The settings that say where a credential is, such as a key. */
export function credentialPlaces(credential: string, usual: UsualPlace) {
  const usualScheme = usual.scheme === undefined ? '' : ` \`${usual.scheme}\` in \`${usual.header}\`, none in other fields.`;
  return {
    header: freeFieldName()
      .optional()
      .describe(
        `The field that holds the ${credential}. \`${usual.header}\` when neither \`header\`, \`query\` nor \`cookie\` is written.`,
      ),
    scheme: token()
      .optional()
      .describe(
        `The word before the ${credential} in the field, such as \`Bearer\` in \`authorization\`. In any case.${usualScheme}`,
      ),
    query: z
      .string()
      .min(1)
      .optional()
      .describe(
        `The query parameter that holds the ${credential}. Its value is not logged. A URL is kept in more places than a field is.`,
      ),
    cookie: token().optional().describe(`The cookie that holds the ${credential}.`),
  };
}

export interface WrittenPlaces {
  readonly header?: string | undefined;
  readonly scheme?: string | undefined;
  readonly query?: string | undefined;
  readonly cookie?: string | undefined;
}

export function checkPlaces({ header, scheme, query, cookie }: WrittenPlaces, context: z.RefinementCtx): void {
  if (scheme === undefined || header !== undefined || (query === undefined && cookie === undefined)) return;
  context.addIssue({ code: 'custom', message: '`scheme` belongs to `header`, which is not written', path: ['scheme'] });
}

export function toPlaces({ header, scheme, query, cookie }: WrittenPlaces, usual: UsualPlace): WrittenPlaces {
  const isElsewhere = query !== undefined || cookie !== undefined;
  const field = header ?? (isElsewhere ? undefined : usual.header);
  return { header: field, scheme: scheme ?? (field === usual.header ? usual.scheme : undefined), query, cookie };
}

/** Who those are who show no credential of a kind. */
export function anonymousConsumer(credential: string) {
  return entryName()
    .optional()
    .describe(
      `The consumer that those are who show no ${credential}. Without it they are refused; a ${credential} that does not count is refused in any case.`,
    );
}
