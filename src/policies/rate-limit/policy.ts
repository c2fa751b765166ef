import { ADMITTED, type AllowanceReading } from '#base/allowances.ts';
import type { GatewayError } from '#base/errors.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import { describeLeft, formatStateField } from '#pipeline/limit-fields.ts';
import { formatLimitKey, isSecretKey, LimitKeyReader } from '#pipeline/limit-key.ts';
import { describeTiers } from '#pipeline/limit-tiers.ts';
import { definePolicy, type PolicyPhases, type PolicyServices } from '#pipeline/policy.ts';
import type { RateLimitConfig } from './config.ts';
import { type CountedLimits, type LimitRule, LimitTiers } from './counted-limits.ts';
import { rateLimitErrors } from './errors.ts';

/** What an answer tells of the limits. */
interface ToldLimits {
  readonly policyField: string;
  readonly stateField: string;
}

const toldSlot = defineSlot<ToldLimits>('rate limit');

/** Refuses requests of clients that send too many. */
export const rateLimitPolicy = definePolicy({
  name: 'rate-limit',
  summary: 'Refuses requests of clients that send too many.',
  loadConfig: async () => (await import('./config.ts')).rateLimitConfig,
  storeSettings: ['store'],
  counts: 'allowances',
  errors: rateLimitErrors,
  describe: describeRateLimit,
  explain: ({ by, tiers, limits }, { exchange }) =>
    `counts this request by ${new LimitKeyReader(by).describe(exchange)}${describeTiers(tiers, limits)}`,
  create(config, services): PolicyPhases {
    const limiter = new RateLimiter(config, services);
    const requestHead: PolicyPhases['requestHead'] = (exchange) => limiter.check(exchange);
    if (config.headers === 'none') return { requestHead };
    return {
      requestHead,
      responseHead(exchange, response) {
        const told = exchange.get(toldSlot);
        // Looking at the fields of an answer costs something, so only then.
        if (told !== undefined) response.fields.push('ratelimit-policy', told.policyField, 'ratelimit', told.stateField);
      },
    };
  },
});

class RateLimiter {
  readonly #config: RateLimitConfig;
  readonly #services: PolicyServices;
  readonly #keys: LimitKeyReader;
  /** What is counted by, for people. */
  readonly #kind: string;
  readonly #tiers: LimitTiers;

  constructor(config: RateLimitConfig, services: PolicyServices) {
    this.#config = config;
    this.#services = services;
    this.#keys = new LimitKeyReader(config.by);
    this.#kind = config.by.map(formatLimitKey).join(', ');
    this.#tiers = new LimitTiers(config, `${services.place} by ${this.#kind}`, services);
  }

  check(exchange: Exchange): GatewayError | undefined | Promise<GatewayError | undefined> {
    const limits = this.#tiers.for(exchange.consumer);
    const key = this.#keys.read(exchange);
    if (limits.stored === undefined) return this.#checkHere(exchange, limits, key);
    const asked = limits.stored.take(key);
    if (asked === undefined) return this.#checkWithoutStore(exchange, limits, key);
    return asked.then((decision) =>
      decision === undefined
        ? this.#checkWithoutStore(exchange, limits, key)
        : this.#conclude(exchange, limits, { refusing: decision.refusing, reading: decision }),
    );
  }

  #checkHere(exchange: Exchange, limits: CountedLimits, key: string): GatewayError | undefined {
    const { allowance } = limits;
    const refusing = allowance.take(key, this.#services.clock.monotonicMs());
    return this.#conclude(exchange, limits, { refusing, reading: allowance });
  }

  #checkWithoutStore(exchange: Exchange, limits: CountedLimits, key: string): GatewayError | undefined {
    this.#services.allowances.countStoreFailure();
    exchange.journal?.note('rate-limit', `the store does not answer, so: ${this.#config.onFailure}`);
    switch (this.#config.onFailure) {
      case 'local':
        return this.#checkHere(exchange, limits, key);
      case 'allow':
        return undefined;
      case 'refuse':
        return this.#refuse(exchange, rateLimitErrors.storeAway());
      default:
        return this.#config.onFailure satisfies never;
    }
  }

  #conclude(
    exchange: Exchange,
    { rules, policyField }: CountedLimits,
    { refusing, reading }: { readonly refusing: number; readonly reading: AllowanceReading },
  ): GatewayError | undefined {
    const { headers, mode } = this.#config;
    const isAdmitted = refusing === ADMITTED;
    exchange.journal?.note('rate-limit', `by ${this.#describeKey(exchange)}: ${describeLeft(rules, reading)}`);
    if (headers === 'all' || (headers === 'refusals' && !isAdmitted && mode === 'enforce'))
      exchange.set(toldSlot, { policyField, stateField: formatStateField(rules, reading) });
    return isAdmitted ? undefined : this.#refuse(exchange, this.#toRefusal(rules, refusing, reading));
  }

  /** What was counted may be a secret of the client's: then only its kind is told. */
  #describeKey(exchange: Exchange): string {
    return this.#config.by.some(isSecretKey) ? this.#kind : this.#keys.describe(exchange);
  }

  #refuse(exchange: Exchange, refusal: GatewayError): GatewayError | undefined {
    if (this.#config.mode === 'enforce') {
      this.#services.allowances.countRefused();
      return refusal;
    }
    exchange.reported ??= refusal;
    return undefined;
  }

  #toRefusal(rules: readonly LimitRule[], refusing: number, reading: AllowanceReading): GatewayError {
    const { name } = rules[refusing]!;
    // What was counted is the client's own and may be a secret, so only its kind is told.
    const detail = { limit: name, by: this.#kind };
    if (this.#config.headers === 'none') return rateLimitErrors.exceeded(detail);
    let retryAfterMs = 0;
    for (let rule = 0; rule < rules.length; rule++) retryAfterMs = Math.max(retryAfterMs, reading.nextInMs(rule));
    return rateLimitErrors.exceeded(detail, { retryAfterMs, publicDetail: `at most ${name}` });
  }
}

function describeRateLimit({ limits, tiers, by, mode, store, shared }: RateLimitConfig): string {
  const ofTiers = tiers.map(({ group, limits: ofTier }) => `; for ${group} at most ${describeRules(ofTier)}`).join('');
  const ofStore = store === 'redis' ? `, counted in Redis (${shared})` : '';
  const counted = `by ${by.map(formatLimitKey).join(', ')}${ofStore}`;
  return `at most ${describeRules(limits)} ${counted}${ofTiers}${mode === 'report' ? ' (only reported)' : ''}`;
}

function describeRules(rules: readonly LimitRule[]): string {
  const texts = rules.map(({ name, limit, burst }) => (burst === limit ? name : `${name} with a burst of ${burst}`));
  return texts.join(' and ');
}
