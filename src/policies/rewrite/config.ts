import { z } from 'zod';
import { authority } from '#schema/authority.ts';
import { pathPrefix } from '#schema/path-pattern.ts';
import { pathTemplate, type Template, template } from '#schema/template.ts';

/** How the path that the service sees comes from the path of the request. */
export type PathRewrite =
  /** Cuts `prefix` off, by whole segments. A path without it stays as it is. */
  | { readonly kind: 'strip-prefix'; readonly prefix: string }
  /** Puts `replacement` in the place of `prefix`; without `prefix`, in the place of what stands before the star of the route's path. */
  | { readonly kind: 'replace-prefix'; readonly prefix: string | undefined; readonly replacement: string }
  | { readonly kind: 'template'; readonly template: Template };

const PATH_FORMS = ['stripPrefix', 'replacePrefix', 'path'] as const;

const replacePrefix = z.strictObject({
  from: pathPrefix()
    .optional()
    .describe('The beginning to replace. Without it, what stands before `/*` in the path of the route.'),
  with: pathPrefix().describe('What to put there; `/` for nothing.'),
});

export const rewriteConfig = z
  .strictObject({
    stripPrefix: pathPrefix()
      .optional()
      .describe('Cuts this beginning off the path: with `/api`, `/api/orders` becomes `/orders`.'),
    replacePrefix: replacePrefix.optional().describe('Replaces the beginning of the path.'),
    path: pathTemplate('The whole path that the service sees, such as `/v2/orders/${path.id}`.').optional(),
    host: authority().optional().describe('The host that the service sees, with a port if needed.'),
    query: template({
      help: 'The query that the service sees, without `?`; empty for none.',
      examples: ['id=${path.id}'],
    }).optional(),
  })
  .superRefine((config, context) => {
    const [first, second] = PATH_FORMS.filter((key) => config[key] !== undefined);
    if (second !== undefined) {
      const message = `\`${first}\` and \`${second}\` exclude each other; give one of \`stripPrefix\`, \`replacePrefix\` or \`path\``;
      context.addIssue({ code: 'custom', message, path: [second] });
    }
    if (first !== undefined || config.host !== undefined || config.query !== undefined) return;
    const message = 'nothing is rewritten; give `stripPrefix`, `replacePrefix`, `path`, `host` or `query`';
    context.addIssue({ code: 'custom', message });
  })
  .transform(({ stripPrefix, replacePrefix, path, host, query }) => ({
    path: toPathRewrite(stripPrefix, replacePrefix, path),
    host,
    query,
  }));

export type RewriteConfig = z.infer<typeof rewriteConfig>;

function toPathRewrite(
  stripPrefix: string | undefined,
  replacement: z.output<typeof replacePrefix> | undefined,
  path: Template | undefined,
): PathRewrite | undefined {
  if (stripPrefix !== undefined) return { kind: 'strip-prefix', prefix: stripPrefix };
  if (replacement !== undefined) return { kind: 'replace-prefix', prefix: replacement.from, replacement: replacement.with };
  return path === undefined ? undefined : { kind: 'template', template: path };
}
