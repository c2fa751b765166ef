/** What clients are told of limits (draft-ietf-httpapi-ratelimit-headers-10): structured fields, as RFC 9651 writes them. */
import type { AllowanceReading } from '#base/allowances.ts';

export interface NamedRule {
  /** As a configuration says it; the name of the limit in the fields. */
  readonly name: string;
  readonly limit: number;
  readonly windowMs: number;
}

/** Of who asked last, by the position of a rule. */
type RuleReading = Pick<AllowanceReading, 'remaining' | 'restoredInMs'>;

/** The limits, which are the same for all: a quota, and the seconds that it is for. */
export function formatPolicyField(rules: readonly NamedRule[]): string {
  return rules.map(({ name, limit, windowMs }) => `"${name}";q=${limit};w=${toSeconds(windowMs)}`).join(', ');
}

/** What is left for who asked last, and the seconds until everything is back. */
export function formatStateField(rules: readonly Pick<NamedRule, 'name'>[], reading: RuleReading): string {
  let field = '';
  for (let i = 0; i < rules.length; i++) {
    const separator = i === 0 ? '' : ', ';
    field += `${separator}"${rules[i]!.name}";r=${reading.remaining(i)};t=${toSeconds(reading.restoredInMs(i))}`;
  }
  return field;
}

function toSeconds(ms: number): number {
  return Math.ceil(ms / 1_000);
}

/** The same for people. */
export function describeLeft(rules: readonly Pick<NamedRule, 'name' | 'limit'>[], reading: RuleReading): string {
  return rules
    .map(
      ({ name, limit }, i) =>
        `${reading.remaining(i)} of ${limit} left (${name}), all back in ${toSeconds(reading.restoredInMs(i))} s`,
    )
    .join(', ');
}
