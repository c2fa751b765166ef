/** From the issuers of a configuration to those that tokens are checked for. */
import type { PolicyServices } from '#pipeline/policy.ts';
import type { IssuerConfig } from './config.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { readKeySet, readKeys } from './key-set.ts';
import { type KeySource, KnownKeys } from './key-source.ts';
import type { Issuer } from './token-verifier.ts';

export type IssuerServices = Pick<PolicyServices, 'keeper' | 'callHttp' | 'clock' | 'logger' | 'texts'>;

export function toIssuer(config: IssuerConfig, services: IssuerServices): Issuer {
  const { keys } = config;
  if (keys.kind === 'secret') return { config, keys: undefined, secret: new TextEncoder().encode(keys.secret.reveal()) };
  return { config, keys: toKeySource(keys, config, services), secret: undefined };
}

type FetchedKeys = Exclude<IssuerConfig['keys'], { readonly kind: 'secret' }>;

/** Keys are shared by all that take tokens of the issuer, and stay when the configuration is another one. */
function toKeySource(keys: FetchedKeys, { ca, issuer }: IssuerConfig, services: IssuerServices): KeySource {
  switch (keys.kind) {
    case 'keys':
      return new KnownKeys(readKeys(keys.keys));
    case 'file': {
      const read = readKeySet(services.texts[keys.file] ?? '');
      // The control thread has looked whether it can be read.
      return new KnownKeys(typeof read === 'string' ? [] : read);
    }
    case 'url':
    case 'discovery': {
      const location = {
        issuer,
        jwks: keys.kind === 'url' ? keys.url : undefined,
        ca: ca === undefined ? undefined : services.texts[ca.file],
      };
      const name = keys.kind === 'url' ? keys.url : `discovered by ${keys.issuer}`;
      return services.keeper.keep(`keys ${JSON.stringify([name, location.ca])}`, () => new IssuerKeys(location, services));
    }
    default:
      return keys satisfies never;
  }
}
