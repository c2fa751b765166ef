/** 0.125 as 12.5; as exact as it can be written. */
export function toPercent(share: number): number {
  return Number((share * 100).toFixed(3));
}
