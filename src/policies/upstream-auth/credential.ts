/** What a service is shown, whatever kind it is. */
import { assert } from '#base/assert.ts';
import type { GatewayError } from '#base/errors.ts';
import { Secret } from '#base/secret.ts';
import type { Exchange } from '#http/exchange.ts';
import type { PolicyServices } from '#pipeline/policy.ts';
import type { CredentialSettings, MintSettings, TokenSettings } from './config.ts';
import { MintedTokens } from './minted-tokens.ts';
import { TokenHolder } from './token-holder.ts';
import { TokenRequest } from './token-request.ts';

export interface Credential {
  /** Name of the field that it stands in. */
  readonly field: string;
  /** Sees to it that there is one. `undefined`: there is; a promise only where a request has to wait. */
  prepare?(): undefined | GatewayError | Promise<GatewayError | undefined>;
  /** What stands in the field. Throws where there is nothing. */
  valueFor(exchange: Exchange): string;
  /** A service has refused a request that came at this time. */
  onRefused?(startedMs: number): void;
}

export function createCredential(settings: CredentialSettings, services: PolicyServices): Credential {
  switch (settings.kind) {
    case 'token':
      return toIssuedToken(settings, services);
    case 'basic': {
      const { username, password } = settings;
      // RFC 7617 §2.1: UTF-8, for want of anything that says otherwise.
      return toFixed('authorization', `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString('base64')}`);
    }
    case 'bearer':
      return toFixed('authorization', `Bearer ${settings.bearer.reveal()}`);
    case 'header':
      return toFixed(settings.header, settings.value.reveal());
    case 'mint':
      return toMinted(settings, services);
    default:
      return settings satisfies never;
  }
}

function toFixed(field: string, value: string): Credential {
  return { field, valueFor: () => value };
}

/** A reload that changes something else goes on with the token that is there. */
function toIssuedToken(settings: TokenSettings, { keeper, clock, logger, random, callHttp, texts }: PolicyServices): Credential {
  // No more than it needs: it outlives the configuration that it was made for.
  const means = { clock, logger, random, callHttp, ca: settings.ca && texts[settings.ca.file] };
  const holder = keeper.keep(
    `upstream-auth token ${toDigest([settings, means.ca])}`,
    () => new TokenHolder(new TokenRequest(settings, means), means),
  );
  return {
    field: 'authorization',
    prepare: () => holder.prepare(),
    valueFor: () => holder.value,
    onRefused: (startedMs) => holder.onRefused(startedMs),
  };
}

function toMinted(settings: MintSettings, { keeper, clock, tokenKeys }: PolicyServices): Credential {
  let tokens: MintedTokens | undefined;
  const find = () => {
    assert(tokenKeys !== undefined, 'a configuration with `mint` has `tokenKeys`');
    const { signing } = tokenKeys;
    return keeper.keep(
      `upstream-auth mint ${signing.jwk.kid} ${toDigest(settings)}`,
      () => new MintedTokens(settings, signing, clock),
    );
  };
  return {
    field: settings.header,
    valueFor(exchange) {
      // The key is read when there is something to sign.
      tokens ??= find();
      return tokens.valueFor(exchange);
    },
  };
}

/** Of all settings, secrets among them, so that another secret has another token. */
function toDigest(settings: object): string {
  const text = JSON.stringify(settings, function reveal(this: Readonly<Record<string, unknown>>, key, value: unknown) {
    const original = this[key];
    return original instanceof Secret ? original.reveal() : value;
  });
  return process.getBuiltinModule('node:crypto').hash('sha256', text);
}
