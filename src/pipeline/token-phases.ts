/** What policies that look at tokens have in common: where the token is, who has shown none, and what a refusal says. */
import { type ErrorDetail, GatewayError, type GatewayErrorOptions } from '#base/errors.ts';
import type { Consumer } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import type { ConsumerDirectory } from './consumer-directory.ts';
import type { PolicyPhases } from './policy.ts';
import {
  type CredentialPlaces,
  findOnlyCredential,
  listQueryCredentials,
  removeCredential,
  several,
} from './shown-credential.ts';

/** The settings of such a policy that it does not look at itself. */
export interface TokenSettings extends CredentialPlaces {
  readonly anonymous?: string | undefined;
  readonly forward: boolean;
}

/** How a policy finds out whom a token stands for. */
export interface TokenLook {
  /** At once, for a token that is known. `undefined`: it has to be looked at. */
  findKnown(shown: string, exchange: Exchange): Consumer | GatewayError | undefined;
  look(shown: string): Promise<Consumer | GatewayError>;
}

export type Refuse = (reason: string, consumer?: string) => GatewayError;

/** The errors of the policy; what it is given stands in the answer. */
interface TokenErrors {
  missing(answer: GatewayErrorOptions): GatewayError;
  refused(detail: ErrorDetail, answer: GatewayErrorOptions): GatewayError;
}

export function toTokenPhases(
  settings: TokenSettings,
  { directory, errors }: { readonly directory: ConsumerDirectory; readonly errors: TokenErrors },
  toLook: (refuse: Refuse) => TokenLook,
): PolicyPhases {
  const { header, scheme, query, cookie, forward } = settings;
  const places = { header, scheme, query, cookie };
  const anonymous = settings.anonymous === undefined ? undefined : directory.find(settings.anonymous);
  const challenge = `${scheme ?? 'Bearer'} realm="gatehouse"`;
  // RFC 6750 §3.1: nothing is said of a token that was not shown.
  const toMissing = { fields: ['www-authenticate', challenge] };
  const toRefused = { fields: ['www-authenticate', `${challenge}, error="invalid_token"`] };
  const refuse: Refuse = (reason, consumer) => errors.refused({ reason, consumer }, toRefused);
  const settle = (exchange: Exchange, found: Consumer | GatewayError): GatewayError | undefined => {
    if (found instanceof GatewayError) return found;
    return directory.admit(exchange, found) ? undefined : refuse('address', found.name);
  };
  const look = toLook(refuse);
  const lookFirst = async (exchange: Exchange, shown: string): Promise<GatewayError | undefined> =>
    settle(exchange, await look.look(shown));
  return {
    ...listQueryCredentials(places, forward),
    requestHead(exchange): GatewayError | undefined | Promise<GatewayError | undefined> {
      const { request } = exchange;
      const shown = findOnlyCredential(request, places);
      if (shown === undefined) {
        // Who has shown something else to another policy stays who that is.
        exchange.consumer ??= anonymous;
        return anonymous === undefined ? errors.missing(toMissing) : undefined;
      }
      if (shown === several) return refuse('several tokens');
      const known = look.findKnown(shown, exchange);
      return known === undefined ? lookFirst(exchange, shown) : settle(exchange, known);
    },
    ...(forward ? {} : { upstreamRequest: (_exchange: Exchange, upstream) => removeCredential(upstream, places) }),
  };
}
