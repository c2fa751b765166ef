/** A plan for people: on a terminal, and as Markdown for a merge request. */
import { type Grade, grades } from './change.ts';
import { formatCount } from './count-text.ts';
import type { Plan } from './plan.ts';

export interface PlanNames {
  readonly old: string;
  readonly new: string;
}

const signs: Readonly<Record<Grade, string>> = { breaking: '🛑', risky: '⚠️', notable: 'ℹ️', harmless: '✅' };

export function toPlanText(plan: Plan, names: PlanNames): string {
  const lines = [`${names.old} → ${names.new}: ${toSummary(plan)}`];
  for (const { grade, what, because, place, details, examples } of plan.changes) {
    lines.push('', `${grade.toUpperCase()} ${place}`, `  ${what}: ${because}`);
    for (const detail of details) lines.push(`    ${detail}`);
    for (const example of examples) lines.push(`    such as ${example}`);
  }
  lines.push(...toTrafficLines(plan));
  return `${lines.join('\n')}\n`;
}

export function toPlanMarkdown(plan: Plan, names: PlanNames): string {
  const lines = [`### Gatehouse: what \`${names.new}\` changes`, '', `${toSummary(plan)}.`];
  for (const grade of grades) {
    const changes = plan.changes.filter((change) => change.grade === grade);
    if (changes.length === 0) continue;
    lines.push('', `#### ${signs[grade]} ${grade} (${changes.length})`, '');
    for (const { what, because, place, details, examples } of changes) {
      lines.push(`- **${what}**: ${because} (\`${place}\`)`);
      for (const detail of details) lines.push(`  - ${toCode(detail)}`);
      for (const example of examples) lines.push(`  - such as ${toCode(example)}`);
    }
  }
  lines.push(...toTrafficLines(plan));
  return `${lines.join('\n')}\n`;
}

function toSummary({ changes, counts }: Plan): string {
  if (changes.length === 0) return 'nothing changes';
  return grades
    .filter((grade) => counts[grade] > 0)
    .map((grade) => `${counts[grade]} ${grade}`)
    .join(', ');
}

function toTrafficLines({ traffic }: Plan): string[] {
  if (traffic === undefined) return [];
  const { requests, changed, skipped } = traffic;
  const left = skipped > 0 ? `; ${formatCount(skipped)} lines tell of no request that can be tried` : '';
  return ['', `${formatCount(changed)} of ${formatCount(requests)} requests of the log would be answered differently${left}.`];
}

/** A value may hold a backtick. */
function toCode(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}
