import type { Exchange } from '#http/exchange.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { renderTemplate } from '#pipeline/render-template.ts';
import { getFieldValues, removeField, removeLookalikes } from '#wire/fields/field-list.ts';
import type { FieldChanges } from './config.ts';
import { headersErrors } from './errors.ts';

/** Changes the header fields that the service receives, and those that the client receives. */
export const headersPolicy = definePolicy({
  name: 'headers',
  summary: 'Sets, adds, renames and removes header fields of requests and answers.',
  loadConfig: async () => (await import('./config.ts')).headersConfig,
  errors: headersErrors,
  create({ request, response }) {
    return {
      // A client could have written what a service takes for a field that is set or removed here.
      ...(request && {
        upstreamRequest: (exchange: Exchange, upstream) => changeFields(exchange, upstream.fields, request, removeLookalikes),
      }),
      ...(response && {
        responseHead: (exchange: Exchange, head) => changeFields(exchange, head.fields, response, removeField),
      }),
    };
  },
});

/** Only where there is something to rename: what a client sends by the new name is not taken for it. */
function renameField(fields: string[], { from, to }: { from: string; to: string }, remove: Remove): void {
  const values = getFieldValues(fields, from);
  remove(fields, to);
  remove(fields, from);
  for (const value of values) fields.push(to, value);
}

type Remove = (fields: string[], name: string) => void;

function changeFields(exchange: Exchange, fields: string[], changes: FieldChanges, remove: Remove): void {
  for (const [from, to] of changes.rename) renameField(fields, { from, to }, remove);
  for (const name of changes.remove) remove(fields, name);
  for (const { name, value } of changes.set) {
    remove(fields, name);
    fields.push(name, renderTemplate(value, exchange, 'field'));
  }
  for (const { name, value } of changes.add) fields.push(name, renderTemplate(value, exchange, 'field'));
}
