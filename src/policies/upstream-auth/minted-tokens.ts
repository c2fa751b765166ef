/**
 * Tokens that the gateway makes itself (RFC 7519). Signing takes longer than all else that is done for a request, so a token is
 * used for half of its time by all requests for which it says the same.
 */
import type { Clock } from '#base/clock.ts';
import type { SigningKey } from '#base/signing-key.ts';
import type { Exchange } from '#http/exchange.ts';
import { renderTemplate } from '#pipeline/render-template.ts';
import type { MintSettings } from './config.ts';

/** Claims may hold what a client sends, so it is their size that is bounded; what was asked for longest ago goes first. */
const KEPT_CHARACTERS_MAX = 8 * 1_024 * 1_024;

interface MintedToken {
  readonly value: string;
  readonly fromMs: number;
  /** From then on another one is made. */
  readonly untilMs: number;
}

export class MintedTokens {
  readonly #settings: MintSettings;
  readonly #key: SigningKey;
  readonly #clock: Clock;
  /** By what they say. */
  readonly #tokens = new Map<string, MintedToken>();
  #keptCharacters = 0;

  constructor(settings: MintSettings, key: SigningKey, clock: Clock) {
    this.#settings = settings;
    this.#key = key;
    this.#clock = clock;
  }

  get keptCharacters(): number {
    return this.#keptCharacters;
  }

  /** What stands in the field. */
  valueFor(exchange: Exchange): string {
    const claims = this.#toClaims(exchange);
    const said = JSON.stringify(claims);
    const nowMs = this.#clock.wallMs();
    const known = this.#tokens.get(said);
    // The time of day may go back, and no service takes a token of the future.
    const isGood = known !== undefined && nowMs >= known.fromMs && nowMs < known.untilMs;
    const token = isGood ? known : this.#mint(claims, nowMs);
    this.#keep(said, token, known);
    return token.value;
  }

  #mint(claims: Readonly<Record<string, unknown>>, nowMs: number): MintedToken {
    const { issuer, audience, ttl, header } = this.#settings;
    const fromMs = Math.floor(nowMs / 1_000) * 1_000;
    const times = { iat: fromMs / 1_000, exp: Math.ceil((fromMs + ttl) / 1_000) };
    const text = this.#key.sign({ iss: issuer, aud: audience, ...claims, ...times });
    return { value: header === 'authorization' ? `Bearer ${text}` : text, fromMs, untilMs: fromMs + ttl / 2 };
  }

  /** Behind all others: what was asked for last goes last. */
  #keep(said: string, token: MintedToken, before: MintedToken | undefined): void {
    if (before !== undefined) this.#drop(said, before);
    this.#tokens.set(said, token);
    this.#keptCharacters += said.length + token.value.length;
    for (const [oldest, old] of this.#tokens) {
      if (this.#keptCharacters <= KEPT_CHARACTERS_MAX) break;
      this.#drop(oldest, old);
    }
  }

  #drop(said: string, { value }: MintedToken): void {
    this.#tokens.delete(said);
    this.#keptCharacters -= said.length + value.length;
  }

  /** All but the times. What is not known is left out. */
  #toClaims(exchange: Exchange): Readonly<Record<string, unknown>> {
    const { consumer, plan } = exchange;
    const claims: Record<string, unknown> = { route: plan?.routeName };
    if (consumer !== undefined) {
      const { name, scopes, roles, groups } = consumer;
      claims['sub'] = name;
      // RFC 8693 §4.2
      if (scopes.length > 0) claims['scope'] = scopes.join(' ');
      if (roles.length > 0) claims['roles'] = roles;
      if (groups.length > 0) claims['groups'] = groups;
      if (typeof consumer.claims['iss'] === 'string') claims['origin_iss'] = consumer.claims['iss'];
    }
    for (const name in this.#settings.claims) claims[name] = renderTemplate(this.#settings.claims[name]!, exchange, 'text');
    return claims;
  }
}
