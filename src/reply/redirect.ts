/** Where a request ends by sending the client elsewhere. */
import type { Exchange } from '#http/exchange.ts';
import type { Terminal } from '#pipeline/plan.ts';
import { renderTemplate } from '#pipeline/render-template.ts';
import { rescue } from '#pipeline/rescue.ts';
import type { Template } from '#schema/template.ts';
import { redirectErrors } from './redirect-errors.ts';

/** What is `undefined` stays as the client asked for it. */
export interface RedirectDefinition {
  readonly scheme?: 'http' | 'https' | undefined;
  readonly host?: Template | undefined;
  readonly port?: number | undefined;
  readonly path?: Template | undefined;
  readonly query?: Template | undefined;
  readonly status: number;
}

/** A name or address with an optional port, and nothing that would end the host before where the template ends it. */
const HOST = /^(\[[0-9a-f:.]+\]|[a-z0-9_~-]+(?:\.[a-z0-9_~-]+)*\.?)(?::\d{1,5})?$/i;

export class RedirectTerminal implements Terminal {
  readonly #definition: RedirectDefinition;

  constructor(definition: RedirectDefinition) {
    this.#definition = definition;
  }

  start(exchange: Exchange): void {
    const location = toLocation(this.#definition, exchange);
    if (location === undefined) return rescue(exchange, redirectErrors.unusableHost());
    const { status } = this.#definition;
    exchange.sendReply({ status, fields: ['location', location], contentLengthBytes: 0, body: undefined });
  }
}

function toLocation(definition: RedirectDefinition, exchange: Exchange): string | undefined {
  const { request } = exchange;
  const path = definition.path === undefined ? request.path : renderTemplate(definition.path, exchange, 'path');
  const query = definition.query === undefined ? request.query : renderTemplate(definition.query, exchange, 'query');
  // `//x` would be another host.
  const rooted = `/${path.replace(/^\/+/, '')}`;
  const target = query === '' ? rooted : `${rooted}?${query}`;
  const staysHere = definition.scheme === undefined && definition.host === undefined && definition.port === undefined;
  // RFC 9110 §10.2.2: a location may be relative; then it holds behind any proxy.
  if (staysHere) return target;
  const authority = toAuthority(definition, exchange);
  return authority === undefined ? undefined : `${definition.scheme ?? request.scheme}://${authority}${target}`;
}

/** `undefined` when what the client sent makes no host of the template. */
function toAuthority({ scheme, host, port }: RedirectDefinition, exchange: Exchange): string | undefined {
  const { request } = exchange;
  if (host === undefined && port === undefined && (scheme === undefined || scheme === request.scheme)) return request.authority;
  const written = host === undefined ? request.host : renderTemplate(host, exchange, 'text');
  const name = host === undefined ? written : HOST.exec(written)?.[1];
  if (name === undefined) return undefined;
  if (port !== undefined) return `${name}:${port}`;
  // Another scheme or host has its own usual port.
  return written;
}
