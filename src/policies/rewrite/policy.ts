import type { Exchange } from '#http/exchange.ts';
import { normaliseTarget } from '#http/target.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { renderTemplate } from '#pipeline/render-template.ts';
import { toForwardedQuery } from '#pipeline/shown-credential.ts';
import type { PathRewrite, RewriteConfig } from './config.ts';
import { rewriteErrors } from './errors.ts';

/** Also percent-encoded (RFC 3986 §6.2.2.2). */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i;

/** Changes the path, the query and the host that the service sees. Routes and other policies go on seeing the client's. */
export const rewritePolicy = definePolicy({
  name: 'rewrite',
  summary: 'Changes the path, query and host that the service sees.',
  loadConfig: async () => (await import('./config.ts')).rewriteConfig,
  errors: rewriteErrors,
  create(config) {
    const { path, query, host } = config;
    if (path === undefined && query === undefined) {
      return {
        upstreamRequest(_, upstream) {
          if (host !== undefined) upstream.authority = host;
        },
      };
    }
    return {
      // Refused before other policies do their work; the target itself is for the upstream alone.
      requestHead(exchange) {
        const rewritten = rewriteTarget(config, exchange);
        return 'fault' in rewritten ? rewriteErrors.unusablePath(rewritten) : undefined;
      },
      upstreamRequest(exchange, upstream) {
        const rewritten = rewriteTarget(config, exchange);
        if ('target' in rewritten) upstream.target = rewritten.target;
        if (host !== undefined) upstream.authority = host;
      },
    };
  },
});

/** What a client's values make of a template is held to the same rules as a path that the client sent itself. */
function rewriteTarget({ path, query }: RewriteConfig, exchange: Exchange): { target: string } | { fault: string } {
  const { request } = exchange;
  const newPath = path === undefined ? request.path : rewritePath(path, exchange);
  // A client's own dot segments are long resolved: one that comes out of a template would lead out of where it points.
  if (path?.kind === 'template' && DOT_SEGMENT.test(newPath)) return { fault: 'dotSegment' };
  const newQuery = query === undefined ? toForwardedQuery(exchange) : renderTemplate(query, exchange, 'query');
  const normalised = normaliseTarget(newQuery === '' ? newPath : `${newPath}?${newQuery}`, request.method);
  return typeof normalised === 'string' ? { fault: normalised } : normalised;
}

function rewritePath(rewrite: PathRewrite, exchange: Exchange): string {
  const { path } = exchange.request;
  switch (rewrite.kind) {
    case 'strip-prefix':
      return replacePrefix(path, rewrite.prefix, '/');
    case 'replace-prefix':
      return replacePrefix(path, rewrite.prefix ?? findRoutePrefix(exchange), rewrite.replacement);
    case 'template':
      return renderTemplate(rewrite.template, exchange, 'path');
    default:
      return rewrite satisfies never;
  }
}

/** What stands before the star of the route's path; the whole path when there is no star. */
function findRoutePrefix({ request: { path }, pathRest }: Exchange): string {
  const prefix = path.slice(0, path.length - pathRest.length);
  return prefix.endsWith('/') && prefix !== '/' ? prefix.slice(0, -1) : prefix;
}

/** By whole segments: `/api` is a prefix of `/api` and `/api/x`, not of `/apis`. */
function replacePrefix(path: string, prefix: string, replacement: string): string {
  if (path === prefix) return replacement;
  const rest = prefix === '/' ? path : path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : undefined;
  if (rest === undefined) return path;
  return replacement === '/' ? rest : replacement + rest;
}
