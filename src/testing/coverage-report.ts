/** What the tests of several files have covered together, put into a folder by each and read again by whoever ran them. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CoverageKind } from './route-coverage.ts';

/** `--gatehouse-coverage=FOLDER` among the arguments of a test file: where it leaves what it has covered. */
export const COVERAGE_ARGUMENT = '--gatehouse-coverage=';

export interface CoveredPoint {
  readonly id: string;
  readonly kind: CoverageKind;
  readonly label: string;
  /** `FILE:LINE:COLUMN`. */
  readonly place: string | undefined;
  readonly isCovered: boolean;
}

export interface CoverageRecord {
  /** The configuration's file, or what stands for it. */
  readonly configuration: string;
  readonly points: readonly CoveredPoint[];
  readonly unstubbed: readonly string[];
}

export interface CoverageSummary {
  readonly configuration: string;
  readonly total: number;
  readonly covered: number;
  /** Of 100, rounded down, so that 100 means all. */
  readonly percent: number;
  readonly kinds: readonly { readonly kind: CoverageKind; readonly total: number; readonly covered: number }[];
  readonly missed: readonly CoveredPoint[];
  readonly unstubbed: readonly string[];
}

export function findCoverageFolder(args: readonly string[]): string | undefined {
  return args.find((argument) => argument.startsWith(COVERAGE_ARGUMENT))?.slice(COVERAGE_ARGUMENT.length);
}

export function writeCoverage(folder: string, record: CoverageRecord): void {
  writeFileSync(join(folder, `${crypto.randomUUID()}.json`), JSON.stringify(record));
}

/** One summary for each configuration. */
export function readCoverage(folder: string): CoverageSummary[] {
  const byConfiguration = new Map<string, CoverageRecord[]>();
  for (const name of globSync('*.json', { cwd: folder }).sort()) {
    const record: CoverageRecord = JSON.parse(readFileSync(join(folder, name), 'utf8'));
    const records = byConfiguration.get(record.configuration) ?? [];
    records.push(record);
    byConfiguration.set(record.configuration, records);
  }
  return [...byConfiguration].map(([configuration, records]) => summarise(configuration, records));
}

const kinds: readonly CoverageKind[] = ['route', 'alternative', 'share', 'fallback', 'policy'];

function summarise(configuration: string, records: readonly CoverageRecord[]): CoverageSummary {
  const points = new Map<string, CoveredPoint>();
  for (const point of records.flatMap((record) => record.points)) {
    const known = points.get(point.id);
    if (known === undefined || (point.isCovered && !known.isCovered)) points.set(point.id, point);
  }
  const all = [...points.values()];
  const covered = all.filter(({ isCovered }) => isCovered).length;
  return {
    configuration,
    total: all.length,
    covered,
    percent: all.length === 0 ? 100 : Math.floor((covered / all.length) * 1000) / 10,
    kinds: kinds.flatMap((kind) => {
      const ofKind = all.filter((point) => point.kind === kind);
      return ofKind.length === 0
        ? []
        : [{ kind, total: ofKind.length, covered: ofKind.filter(({ isCovered }) => isCovered).length }];
    }),
    missed: all.filter(({ isCovered }) => !isCovered),
    unstubbed: [...new Set(records.flatMap(({ unstubbed }) => unstubbed))].sort(),
  };
}

const kindNames: Readonly<Record<CoverageKind, string>> = {
  route: 'routes',
  alternative: 'alternatives of `match`',
  share: 'services with a weight',
  fallback: 'fallbacks',
  policy: 'decisions of policies',
};
const MISSED_SHOWN_MAX = 50;

export function toCoverageText({
  configuration,
  total,
  covered,
  percent,
  kinds: counts,
  missed,
  unstubbed,
}: CoverageSummary): string {
  const lines = [`Coverage of ${configuration}: ${percent} % (${covered} of ${total})`];
  for (const { kind, total: of, covered: count } of counts) lines.push(`  ${kindNames[kind].padEnd(26)}${count} of ${of}`);
  if (missed.length > 0) lines.push('Not covered:');
  for (const { kind, label, place } of missed.slice(0, MISSED_SHOWN_MAX))
    lines.push(`  ${place === undefined ? '' : `${place} `}${kind} ${label}`);
  if (missed.length > MISSED_SHOWN_MAX) lines.push(`  and ${missed.length - MISSED_SHOWN_MAX} more (all of them with --json)`);
  if (unstubbed.length > 0) lines.push(`Asked without a stub, and answered with an empty 200: ${unstubbed.join(', ')}`);
  return `${lines.join('\n')}\n`;
}
