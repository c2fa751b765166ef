/** Where a request ends by sending the client elsewhere. */
import type { Exchange } from '#http/exchange.ts';
import type { Terminal } from '#pipeline/plan.ts';
import { renderTemplate } from '#pipeline/render-template.ts';
import type { Template } from '#schema/template.ts';

/** What is `undefined` stays as the client asked for it. */
export interface RedirectDefinition {
  readonly scheme?: 'http' | 'https' | undefined;
  readonly host?: Template | undefined;
  readonly port?: number | undefined;
  readonly path?: Template | undefined;
  readonly query?: Template | undefined;
  readonly status: number;
}

export class RedirectTerminal implements Terminal {
  readonly #definition: RedirectDefinition;

  constructor(definition: RedirectDefinition) {
    this.#definition = definition;
  }

  start(exchange: Exchange): void {
    const fields = ['location', toLocation(this.#definition, exchange)];
    exchange.sendReply({ status: this.#definition.status, fields, contentLengthBytes: 0, body: undefined });
  }
}

function toLocation(definition: RedirectDefinition, exchange: Exchange): string {
  const { request } = exchange;
  const path = definition.path === undefined ? request.path : renderTemplate(definition.path, exchange, 'uri');
  const query = definition.query === undefined ? request.query : renderTemplate(definition.query, exchange, 'uri');
  const target = query === '' ? path : `${path}?${query}`;
  const staysHere = definition.scheme === undefined && definition.host === undefined && definition.port === undefined;
  // RFC 9110 §10.2.2: a location may be relative; then it holds behind any proxy. `//x` would be another host.
  if (staysHere) return `/${target.replace(/^\/+/, '')}`;
  return `${definition.scheme ?? request.scheme}://${toAuthority(definition, exchange)}/${target.replace(/^\/+/, '')}`;
}

function toAuthority({ scheme, host, port }: RedirectDefinition, exchange: Exchange): string {
  const { request } = exchange;
  const name = host === undefined ? request.host : renderTemplate(host, exchange, 'field');
  if (port !== undefined) return `${name}:${port}`;
  // Another scheme or host has its own usual port.
  const keepsPort = host === undefined && (scheme === undefined || scheme === request.scheme);
  return keepsPort ? request.authority : name;
}
