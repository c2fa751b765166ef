/** Where a request ends with an answer that the configuration holds. */
import type { Exchange } from '#http/exchange.ts';
import type { Terminal } from '#pipeline/plan.ts';
import { renderTemplate } from '#pipeline/render-template.ts';
import type { Template } from '#schema/template.ts';

export interface RespondDefinition {
  readonly status: number;
  readonly headers: readonly { readonly name: string; readonly value: Template }[];
  readonly body: { readonly contentType: string; readonly template: Template; readonly escaping: 'none' | 'json' } | undefined;
}

export class RespondTerminal implements Terminal {
  readonly #definition: RespondDefinition;

  constructor(definition: RespondDefinition) {
    this.#definition = definition;
  }

  start(exchange: Exchange): void {
    const { status, headers, body } = this.#definition;
    const fields = headers.flatMap(({ name, value }) => [name, renderTemplate(value, exchange, 'field')]);
    if (body === undefined) {
      exchange.sendReply({ status, fields, contentLengthBytes: 0, body: undefined });
      return;
    }
    if (!headers.some(({ name }) => name === 'content-type')) fields.push('content-type', body.contentType);
    const text = renderTemplate(body.template, exchange, body.escaping === 'json' ? 'json' : 'text');
    const bytes = Buffer.from(text);
    exchange.sendReply({ status, fields, contentLengthBytes: bytes.length, body: bytes });
  }
}
