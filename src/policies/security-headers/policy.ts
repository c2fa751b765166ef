import type { Exchange } from '#http/exchange.ts';
import type { ResponseHead } from '#http/response.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { hasField, removeFields, setField } from '#wire/fields/field-list.ts';
import type { SecurityHeadersConfig } from './config.ts';
import { securityHeadersErrors } from './errors.ts';

/** Adds the fields by which browsers are told to be careful, and takes away those that tell too much. */
export const securityHeadersPolicy = definePolicy({
  name: 'security-headers',
  summary: 'Adds fields that make browsers careful, and takes away those that tell too much.',
  loadConfig: async () => (await import('./config.ts')).securityHeadersConfig,
  errors: securityHeadersErrors,
  coversMissingRoutes: true,
  describe: describeFields,
  create(config) {
    const added = listFields(config);
    const removed = new Set(config.remove);
    const { overwrite } = config;
    return {
      ...(removed.size > 0 && {
        upstreamResponseHead: (_exchange: Exchange, { fields }: ResponseHead) =>
          removeFields(fields, (name) => removed.has(name)),
      }),
      responseHead(_exchange, { fields }) {
        for (const [name, value] of added) if (overwrite || !hasField(fields, name)) setField(fields, name, value);
      },
    };
  },
});

function listFields(config: SecurityHeadersConfig): (readonly [name: string, value: string])[] {
  const fields = [
    ['x-content-type-options', config.contentTypeOptions],
    ['x-frame-options', config.frameOptions],
    ['referrer-policy', config.referrerPolicy],
    ['permissions-policy', config.permissionsPolicy],
    ['cross-origin-opener-policy', config.openerPolicy],
    ['cross-origin-resource-policy', config.resourcePolicy],
    ['content-security-policy', config.contentSecurityPolicy],
  ] as const;
  return fields.flatMap(([name, value]) => (value === false ? [] : [[name, value] as const]));
}

function describeFields(config: SecurityHeadersConfig): string {
  const names = listFields(config).map(([name]) => name);
  const adds = names.length === 0 ? 'adds nothing' : `${config.overwrite ? 'sets' : 'adds'} ${names.join(', ')}`;
  return config.remove.length === 0 ? adds : `${adds}; takes away ${config.remove.join(', ')}`;
}
