/** What limits are to whom, for explanations: who asks is not known there. */

interface NamedLimit {
  readonly name: string;
}

export interface NamedTier {
  readonly group: string;
  readonly limits: readonly NamedLimit[];
}

/** Empty where all are counted alike. `others`: the limits of who belongs to no tier. */
export function describeTiers(tiers: readonly NamedTier[], others: readonly NamedLimit[] | undefined): string {
  if (tiers.length === 0) return '';
  const texts = tiers.map(({ group, limits }) => `${group} ${joinNames(limits)}`);
  return `; tiers: ${texts.join(', ')}, otherwise ${others === undefined ? 'none' : joinNames(others)}`;
}

function joinNames(limits: readonly NamedLimit[]): string {
  return limits.map(({ name }) => name).join(' and ');
}
