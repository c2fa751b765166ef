/** An audit for people, on a terminal: each kind of finding once, with all of its places. */
import type { Audit } from './audit.ts';
import { type AuditFinding, severities } from './finding.ts';

export function toAuditText({ findings, accepted, counts }: Audit, file: string): string {
  const summary = severities.filter((severity) => counts[severity] > 0).map((severity) => `${counts[severity]} ${severity}`);
  const left = accepted.length === 0 ? '' : `; ${accepted.length} accepted`;
  const lines = [`${file}: ${summary.length === 0 ? 'nothing weak is found' : summary.join(', ')}${left}`];
  for (const group of Object.values(Object.groupBy(findings, ({ id }) => id))) lines.push(...toLines(group ?? []));
  return `${lines.join('\n')}\n`;
}

function toLines(group: readonly AuditFinding[]): string[] {
  const [first] = group;
  if (first === undefined) return [];
  const { severity, id, because, mend } = first;
  return [
    '',
    `${severity.toUpperCase()} ${id}: ${because}`,
    ...group.map(({ place, what }) => `  ${place} ${what}`),
    `  to mend it: ${mend}`,
  ];
}
