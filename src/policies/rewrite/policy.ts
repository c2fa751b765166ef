import type { Exchange } from '#http/exchange.ts';
import { normaliseTarget } from '#http/target.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { renderTemplate } from '#pipeline/render-template.ts';
import { type PathRewrite, rewriteConfig } from './config.ts';
import { rewriteErrors } from './errors.ts';

/** Changes the path, the query and the host that the service sees. Routes and other policies go on seeing the client's. */
export const rewritePolicy = definePolicy({
  name: 'rewrite',
  summary: 'Changes the path, query and host that the service sees.',
  config: rewriteConfig,
  errors: rewriteErrors,
  create({ path, query, host }) {
    const toTarget = (exchange: Exchange): string => {
      const newPath = path === undefined ? exchange.request.path : rewritePath(path, exchange);
      const newQuery = query === undefined ? exchange.request.query : renderTemplate(query, exchange, 'uri');
      return newQuery === '' ? newPath : `${newPath}?${newQuery}`;
    };
    return {
      // What a client's captures make of a template is held to the same rules as a path that the client sent itself.
      requestHead(exchange) {
        const normalised = normaliseTarget(toTarget(exchange), exchange.request.method);
        return typeof normalised === 'string' ? rewriteErrors.unusablePath({ fault: normalised }) : undefined;
      },
      upstreamRequest(exchange, upstream) {
        const normalised = normaliseTarget(toTarget(exchange), exchange.request.method);
        if (typeof normalised !== 'string') upstream.target = normalised.target;
        if (host !== undefined) upstream.authority = host;
      },
    };
  },
});

function rewritePath(rewrite: PathRewrite, exchange: Exchange): string {
  const { path } = exchange.request;
  switch (rewrite.kind) {
    case 'strip-prefix':
      return replacePrefix(path, rewrite.prefix, '/');
    case 'replace-prefix':
      return rewrite.prefix === undefined
        ? join(rewrite.replacement, exchange.pathRest)
        : replacePrefix(path, rewrite.prefix, rewrite.replacement);
    case 'template':
      return renderTemplate(rewrite.template, exchange, 'uri');
    default:
      return rewrite satisfies never;
  }
}

/** By whole segments: `/api` is a prefix of `/api` and `/api/x`, not of `/apis`. */
function replacePrefix(path: string, prefix: string, replacement: string): string {
  if (prefix === '/') return join(replacement, path.slice(1));
  if (path === prefix) return replacement;
  return path.startsWith(`${prefix}/`) ? join(replacement, path.slice(prefix.length + 1)) : path;
}

function join(prefix: string, rest: string): string {
  if (rest === '') return prefix;
  return prefix.endsWith('/') ? `${prefix}${rest}` : `${prefix}/${rest}`;
}
