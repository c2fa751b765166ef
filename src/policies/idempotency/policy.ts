import { definePolicy } from '#pipeline/policy.ts';
import { formatDuration } from '#schema/duration-text.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import type { IdempotencyConfig } from './config.ts';
import { idempotencyErrors } from './errors.ts';
import { FirstAnswers } from './first-answers.ts';
import { readKey } from './request-key.ts';

/** Sends a request with a key once, and answers the same request with its first answer (draft-ietf-httpapi-idempotency-key-header). */
export const idempotencyPolicy = definePolicy({
  name: 'idempotency',
  summary: 'Sends requests with the same `Idempotency-Key` once, and repeats the first answer.',
  loadConfig: async () => (await import('./config.ts')).idempotencyConfig,
  storeSettings: ['store'],
  errors: idempotencyErrors,
  describe: describeKeeping,
  create(config, services) {
    const { header, methods, required } = config;
    const answers = new FirstAnswers(config, services);
    return {
      localAnswer(exchange) {
        const { request } = exchange;
        // A tunnel has no answer that could be repeated.
        if (!methods.includes(request.method) || request.upgrade !== undefined) return undefined;
        const values = getFieldValues(request.fields, header);
        if (values.length === 0) return required ? idempotencyErrors.missingKey(undefined, { publicDetail: header }) : undefined;
        const key = readKey(values);
        return key === undefined
          ? idempotencyErrors.malformedKey(undefined, { publicDetail: header })
          : answers.answer(exchange, key);
      },
    };
  },
});

function describeKeeping({ header, methods, ttl, store, required }: IdempotencyConfig): string {
  const which = `${methods.join(', ')} with ${header}${required ? ', which they need' : ''}`;
  return `first answers to ${which}, kept in ${store} for ${formatDuration(ttl)}`;
}
