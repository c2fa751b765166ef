import type { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { definePolicy } from '#pipeline/policy.ts';
import {
  describePlaces,
  findShownCredential,
  listQueryCredentials,
  removeCredential,
  several,
} from '#pipeline/shown-credential.ts';
import type { ApiKeyConfig } from './config.ts';
import { apiKeyErrors } from './errors.ts';

/** Lets requests pass that show a key of a consumer, and notes whose it is. */
export const apiKeyPolicy = definePolicy({
  name: 'api-key',
  summary: 'Lets requests pass that show a key of a consumer.',
  loadConfig: async () => (await import('./config.ts')).apiKeyConfig,
  consumerSettings: ['anonymous'],
  errors: apiKeyErrors,
  describe: describeKey,
  create({ anonymous: anonymousName, forward, ...places }, { clock, consumers }) {
    const anonymous = anonymousName === undefined ? undefined : consumers.find(anonymousName);
    // RFC 9110 §11.6.1: a 401 says how to do better.
    const fields = ['www-authenticate', `${places.scheme ?? 'ApiKey'} realm="gatehouse"`];
    const refuse = (detail: Parameters<typeof apiKeyErrors.refused>[0]) => apiKeyErrors.refused(detail, { fields });
    return {
      ...listQueryCredentials(places, forward),
      requestHead(exchange): GatewayError | undefined {
        const text = findShownCredential(exchange.request, places);
        if (text === undefined) {
          // Who has shown something else to another policy stays who that is.
          exchange.consumer ??= anonymous;
          return anonymous === undefined ? apiKeyErrors.missing(undefined, { fields }) : undefined;
        }
        if (text === several) return refuse({ reason: 'several keys' });
        const key = consumers.findKey(text);
        // What was shown may be a secret for somebody else: nothing of it is logged.
        if (key === undefined) return refuse({ reason: 'unknown' });
        const { consumer, expiresMs, shown, sha256 } = key;
        if (expiresMs !== undefined && clock.wallMs() >= expiresMs)
          return refuse({ reason: 'expired', consumer: consumer.name, key: toKeyName(shown, sha256) });
        if (!consumers.admit(exchange, consumer))
          return refuse({ reason: 'address', consumer: consumer.name, key: toKeyName(shown, sha256) });
        return undefined;
      },
      ...(forward ? {} : { upstreamRequest: (_exchange: Exchange, upstream) => removeCredential(upstream, places) }),
    };
  },
});

/** As much as tells keys of one consumer apart. */
function toKeyName(shown: string, sha256: string): string {
  return shown === '' ? `sha256 ${sha256.slice(0, 8)}…` : `${shown}…`;
}

function describeKey({ anonymous, ...places }: ApiKeyConfig): string {
  return `key in ${describePlaces(places)}${anonymous === undefined ? '' : `, otherwise ${anonymous}`}`;
}
