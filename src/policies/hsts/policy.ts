import { definePolicy } from '#pipeline/policy.ts';
import { setField } from '#wire/fields/field-list.ts';
import { hstsErrors } from './errors.ts';

const SECONDS_PER_DAY = 86_400;

/** Makes browsers ask for a host over `https` alone (RFC 6797). */
export const hstsPolicy = definePolicy({
  name: 'hsts',
  summary: 'Makes browsers ask for the host over `https` alone.',
  loadConfig: async () => (await import('./config.ts')).hstsConfig,
  errors: hstsErrors,
  coversMissingRoutes: true,
  create({ maxAgeDays, includeSubDomains, preload }) {
    const value = `max-age=${maxAgeDays * SECONDS_PER_DAY}${includeSubDomains ? '; includeSubDomains' : ''}${preload ? '; preload' : ''}`;
    return {
      responseHead({ request }, response) {
        // RFC 6797 §7.2: not over `http`, where anybody could have said it.
        if (request.scheme === 'https') setField(response.fields, 'strict-transport-security', value);
      },
    };
  },
});
