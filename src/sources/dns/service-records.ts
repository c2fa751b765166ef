/** What SRV records say about whom to use when (RFC 2782), in the weights and priorities of endpoints. */
import type { SrvRecord } from 'node:dns';

/** A record that names somebody: one of `.` says that there is decidedly no service. */
export interface RankedRecord {
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  /** From 0, without gaps, so that records of any numbers come first beside endpoints that a configuration names. */
  readonly priority: number;
}

export function rankServiceRecords(records: readonly SrvRecord[]): RankedRecord[] {
  const named = records.filter(({ name }) => name !== '' && name !== '.');
  const priorities = [...new Set(named.map(({ priority }) => priority))].sort((one, other) => one - other);
  const seen = new Set<string>();
  return priorities.flatMap((number, priority) => {
    const first = named.filter((record) => record.priority === number && !seen.has(keyOf(record)));
    for (const record of first) seen.add(keyOf(record));
    const weightOfNone = findWeightOfNone(first);
    return first.map(({ name: host, port, weight }) => ({ host, port, weight: weight || weightOfNone, priority }));
  });
}

/**
 * What a weight of 0 is worth. By the choice that RFC 2782 describes, a number from 0 to the sum of the weights, those of 0
 * come up once where the others come up as often as their weights say. Where there are no others, all are alike.
 */
function findWeightOfNone(records: readonly SrvRecord[]): number {
  const noneCount = records.filter(({ weight }) => weight === 0).length;
  return noneCount === records.length ? 1 : 1 / noneCount;
}

function keyOf({ name, port }: SrvRecord): string {
  return `${name.toLowerCase()}:${port}`;
}
