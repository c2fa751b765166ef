/**
 * What an answer with a file costs the processor, beside one that the configuration holds (`respond`), at the same gateway.
 *
 * Usage: node bench/files.ts [--rounds 5] [--seconds 2] [--markdown]
 *
 * Routes take turns within a round. Ratios are those of one round, and their median counts.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type BenchResult, type Row, runAlone } from './support/bench-result.ts';
import { type MeasuredRoute, measureRouteCosts } from './support/route-costs.ts';
import { createScratchFolder } from './support/scratch-folder.ts';
import { median, medianRatio, round } from './support/statistics.ts';

const defaults = { rounds: 5, seconds: 2 };
const SHORT_BYTES = 1_000;
const LONG_BYTES = 100_000;
const LONGEST_BYTES = 1_000_000;

export async function runFilesBench(given: Partial<typeof defaults> = {}): Promise<BenchResult> {
  const folder = createScratchFolder();
  const sizes = { short: SHORT_BYTES, long: LONG_BYTES, longest: LONGEST_BYTES };
  for (const [name, bytes] of Object.entries(sizes)) writeFileSync(join(folder, name), 'x'.repeat(bytes));
  const from = (settings: string) => `{ files: { folder: "${folder}"${settings} } }`;
  const ways: Readonly<Record<string, MeasuredRoute>> = {
    'respond, 1 kB': { to: `{ respond: { text: "${'x'.repeat(SHORT_BYTES)}" } }` },
    'file of 1 kB': { to: from(''), rest: 'short' },
    'file of 1 kB, looked at each time': { to: from(', recheck: 0s'), rest: 'short' },
    'file of 100 kB': { to: from(''), rest: 'long' },
    'file of 1 MB, which is never kept': { to: from(''), rest: 'longest' },
  };
  const { usByRoute, failed } = await measureRouteCosts(Object.values(ways), { ...defaults, ...given });
  const rows = Object.keys(ways).map(
    (way, i): Row => ({
      way,
      'µs CPU': round(median(usByRoute[i]!), 1),
      ratio: round(medianRatio(usByRoute[i]!, usByRoute[0]!), 3),
    }),
  );
  return { name: 'Files', rows, notes: failed === 0 ? [] : [`${failed} requests failed.`] };
}

if (import.meta.main) await runAlone(runFilesBench, defaults);
