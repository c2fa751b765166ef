/** Sizes as people write them. */

export const BYTES_PER_UNIT = {
  B: 1,
  kB: 1_000,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
} as const;
/** The shortest text that a configuration would have for so many bytes. */
export function formatBytes(count: number): string {
  for (const unit of ['GiB', 'GB', 'MiB', 'MB', 'KiB', 'kB'] as const) {
    if (count > 0 && count % BYTES_PER_UNIT[unit] === 0) return `${count / BYTES_PER_UNIT[unit]}${unit}`;
  }
  return `${count}B`;
}
