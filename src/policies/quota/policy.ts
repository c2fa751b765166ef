import type { GatewayError } from '#base/errors.ts';
import { type Quota, WITHIN_QUOTA } from '#base/quotas.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import { describeLeft, formatPolicyField, formatStateField } from '#pipeline/limit-fields.ts';
import { formatLimitKey, isSecretKey, LimitKeyReader } from '#pipeline/limit-key.ts';
import { describeTiers } from '#pipeline/limit-tiers.ts';
import { definePolicy, type PolicyPhases, type PolicyServices } from '#pipeline/policy.ts';
import type { QuotaConfig } from './config.ts';
import { quotaErrors } from './errors.ts';

/** Who is told to come again in a month is told nothing that a program would wait for. */
const RETRY_AFTER_MS_MAX = 86_400_000;

interface QuotaFields {
  readonly policy: string;
  readonly state: string;
}

/** What an answer that tells of the quota says. */
const fieldsSlot = defineSlot<QuotaFields>('quota');

type NamedLimits = NonNullable<QuotaConfig['limits']>;

/** The limits of some clients, and who counts them. */
interface Plan {
  /** `undefined`: of those without a tier. */
  readonly group: string | undefined;
  readonly limits: NamedLimits;
  readonly quota: Quota;
}

/** Refuses requests of clients that have used up what they may send in a day, week or month. */
export const quotaPolicy = definePolicy({
  name: 'quota',
  summary: 'Refuses requests of clients that have used up what they may send in a day, week or month.',
  loadConfig: async () => (await import('./config.ts')).quotaConfig,
  counts: 'quotas',
  errors: quotaErrors,
  describe: describeQuota,
  explain: ({ by, tiers, limits }, { exchange }) =>
    `counts this request by ${new LimitKeyReader(by).describe(exchange)}${describeTiers(tiers, limits)}`,
  create(config, services): PolicyPhases {
    const { by, headers, mode } = config;
    const keys = new LimitKeyReader(by);
    const kind = by.map(formatLimitKey).join(', ');
    const showsKeys = !by.some(isSecretKey);
    const plans = openPlans(config, services);
    const isEnforced = mode === 'enforce';
    const { clock } = services;
    const requestHead: PolicyPhases['requestHead'] = (exchange) => {
      const plan = findPlan(plans, exchange);
      if (plan === undefined) return undefined;
      const refusing = plan.quota.take(keys.read(exchange), clock.wallMs());
      exchange.journal?.note(
        'quota',
        `by ${showsKeys ? keys.describe(exchange) : kind}: ${describeLeft(plan.limits, plan.quota)}`,
      );
      const isRefused = refusing !== WITHIN_QUOTA && isEnforced;
      if (headers === 'all' || (headers === 'refusals' && isRefused)) exchange.set(fieldsSlot, formatFields(plan));
      if (refusing === WITHIN_QUOTA) return undefined;
      const refusal = toRefusal(plan, { refusing, kind, tells: headers !== 'none' });
      if (isRefused) return refusal;
      exchange.reported ??= refusal;
      return undefined;
    };
    if (headers === 'none') return { requestHead };
    return {
      requestHead,
      responseHead(exchange, response) {
        const fields = exchange.get(fieldsSlot);
        // Looking at the fields of an answer costs something, so only then.
        if (fields !== undefined) response.fields.push('ratelimit-policy', fields.policy, 'ratelimit', fields.state);
      },
    };
  },
});

/** Tiers first, in their order. What is counted for a period is the same whatever the tier: who gets another one keeps his count. */
function openPlans({ limits, tiers, by, timeZone }: QuotaConfig, { quotas, place }: PolicyServices): readonly Plan[] {
  const name = `${place} by ${by.map(formatLimitKey).join(', ')}`;
  const showsKeys = !by.some(isSecretKey);
  const open = (group: string | undefined, of: NamedLimits): Plan => {
    const rules = of.map(({ limit, period }) => ({ limit, period, timeZone }));
    return { group, limits: of, quota: quotas.open({ name, showsKeys, rules }) };
  };
  const plans = tiers.map((tier) => open(tier.group, tier.limits));
  return limits === undefined ? plans : [...plans, open(undefined, limits)];
}

function findPlan(plans: readonly Plan[], { consumer }: Exchange): Plan | undefined {
  for (const plan of plans) if (plan.group === undefined || consumer?.groups.includes(plan.group)) return plan;
  return undefined;
}

function formatFields({ limits, quota }: Plan): QuotaFields {
  const windows = limits.map(({ name, limit }, rule) => ({ name, limit, windowMs: quota.windowMs(rule) }));
  return { policy: formatPolicyField(windows), state: formatStateField(limits, quota) };
}

function toRefusal(
  { limits, quota, group }: Plan,
  { refusing, kind, tells }: { readonly refusing: number; readonly kind: string; readonly tells: boolean },
): GatewayError {
  const { name } = limits[refusing]!;
  // What was counted is the client's own and may be a secret, so only its kind is told.
  const detail = { limit: name, by: kind, tier: group };
  if (!tells) return quotaErrors.exceeded(detail);
  let retryAfterMs = quota.restoredInMs(refusing);
  for (let rule = 0; rule < limits.length; rule++)
    if (quota.remaining(rule) === 0) retryAfterMs = Math.max(retryAfterMs, quota.restoredInMs(rule));
  return quotaErrors.exceeded(detail, {
    retryAfterMs: Math.min(retryAfterMs, RETRY_AFTER_MS_MAX),
    publicDetail: `at most ${name}`,
  });
}

function describeQuota({ limits, tiers, by, mode }: QuotaConfig): string {
  const format = (of: NamedLimits) => of.map(({ name }) => name).join(' and ');
  const parts = tiers.map((tier) => `${format(tier.limits)} for ${tier.group}`);
  if (limits !== undefined) parts.push(format(limits));
  return `at most ${parts.join(', ')} by ${by.map(formatLimitKey).join(', ')}${mode === 'report' ? ' (only reported)' : ''}`;
}
