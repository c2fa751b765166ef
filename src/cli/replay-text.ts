/** The outcome of a replay for people. */
import { describePlace } from '#http/answer-diff/difference.ts';
import type { ReplayOutcome } from '#runtime/replay/replay-report.ts';

export function formatReplay({ replayed, changed, skipped, uncompared, damaged, groups, ungrouped }: ReplayOutcome): string {
  const lines = [`${countOf(replayed, 'exchange')} replayed, ${changed === 0 ? 'nothing has changed' : `${changed} changed`}`];
  for (const [reason, count] of Object.entries(skipped)) lines.push(`  ${count} skipped: ${reason}`);
  for (const [reason, count] of Object.entries(uncompared)) lines.push(`  ${count} compared without bodies: ${reason}`);
  if (damaged > 0) lines.push(`  ${countOf(damaged, 'line')} could not be read`);
  for (const { route, changes, count, examples } of groups) {
    lines.push('', `${countOf(count, 'exchange')} of ${route === undefined ? 'no route' : `route ${route}`}`);
    for (const change of changes) lines.push(`  ${change}`);
    for (const { place, request, differences } of examples) {
      lines.push(`    ${place}   ${request}`);
      for (const difference of differences)
        lines.push(`      ${describePlace(difference)}: ${difference.before ?? '(none)'} → ${difference.after ?? '(none)'}`);
    }
  }
  if (ungrouped > 0) lines.push('', `and ${countOf(ungrouped, 'exchange')} more, with further changes`);
  return `${lines.join('\n')}\n`;
}

function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
