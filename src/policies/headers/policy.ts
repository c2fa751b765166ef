import type { Exchange } from '#http/exchange.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { renderTemplate } from '#pipeline/render-template.ts';
import { removeField, setField } from '#wire/fields/field-list.ts';
import type { FieldChanges } from './config.ts';
import { headersErrors } from './errors.ts';

/** Changes the header fields that the service receives, and those that the client receives. */
export const headersPolicy = definePolicy({
  name: 'headers',
  summary: 'Sets, adds and removes header fields of requests and answers.',
  loadConfig: async () => (await import('./config.ts')).headersConfig,
  errors: headersErrors,
  create({ request, response }) {
    return {
      ...(request && { upstreamRequest: (exchange: Exchange, upstream) => changeFields(upstream.fields, request, exchange) }),
      ...(response && { responseHead: (exchange: Exchange, head) => changeFields(head.fields, response, exchange) }),
    };
  },
});

function changeFields(fields: string[], changes: FieldChanges, exchange: Exchange): void {
  for (const name of changes.remove) removeField(fields, name);
  for (const { name, value } of changes.set) setField(fields, name, renderTemplate(value, exchange, 'field'));
  for (const { name, value } of changes.add) fields.push(name, renderTemplate(value, exchange, 'field'));
}
