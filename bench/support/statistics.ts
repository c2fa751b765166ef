/** The middle value; of an even number of values, the upper of the two in the middle. */
export function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** The median of the rounds' ratios: what slows the machine for a while slows both sides of one round. */
export function medianRatio(numerators: readonly number[], denominators: readonly number[]): number {
  const count = Math.min(numerators.length, denominators.length);
  return median(Array.from({ length: count }, (_, round) => numerators[round]! / denominators[round]!));
}

export function round(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}
