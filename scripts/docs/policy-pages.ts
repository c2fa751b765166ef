/** The pages of policies: tables in each `policy.md`, a copy of it under docs/policies, and the list of all. */
import { posix } from 'node:path';
import { policyDefinitions } from '#policies/registry.ts';
import { toInputJsonSchema } from '#schema/json-schema.ts';
import { toPolicyErrorTable } from './error-tables.ts';
import { toTable } from './markdown-table.ts';
import { type IsElsewhere, listSettings, toSettingTable } from './setting-rows.ts';

type Policy = (typeof policyDefinitions)[number];

/** The text of a policy's page with its tables as they should be. */
export async function fillPolicyPage(policy: Policy, text: string): Promise<string> {
  const settings = toSettingTable(listSettings(toInputJsonSchema(await policy.loadConfig()), '', toElsewhere(policy)));
  const errors = toPolicyErrorTable(Object.values(policy.errors).map(({ kind }) => kind));
  return fillMarked(fillMarked(text, 'configuration', settings), 'errors', errors);
}

/** The settings of policies within a policy stand on their own pages. */
function toElsewhere({ nested }: Policy): IsElsewhere {
  const paths = new Set(nested?.policies.map(({ name }) => `${nested.setting}[].${name}`));
  return (path) => paths.has(path);
}

/** Replaces what stands between `<!-- generated: NAME -->` and the next `<!-- /generated -->`. */
export function fillMarked(text: string, name: string, content: string): string {
  const begin = `<!-- generated: ${name} -->`;
  const end = '<!-- /generated -->';
  const beginAt = text.indexOf(begin);
  const endAt = text.indexOf(end, beginAt);
  if (beginAt < 0 || endAt < 0) throw new Error(`the page has no \`${begin}\` followed by \`${end}\``);
  return `${text.slice(0, beginAt + begin.length)}\n\n${content}\n\n${text.slice(endAt)}`;
}

/** A policy's page as it stands in docs/policies, with its links leading to the same places. */
export function toPublishedPage(name: string, page: string): string {
  const folder = `src/policies/${name}`;
  return page.replaceAll(/\]\(([^)\s:#]+)(?=[)#])/g, (_, target: string) => {
    const linked = posix.normalize(posix.join(folder, target));
    const other = /^src\/policies\/([^/]+)\/policy\.md$/.exec(linked)?.[1];
    return `](${other === undefined ? posix.relative('docs/policies', linked) : `${other}.md`}`;
  });
}

/** All policies in execution order, with the reasons that the registry gives for their places. */
export function toPolicyList(registry: string): string {
  const rows = policyDefinitions.map(({ name, summary }, index) => [
    String(index + 1),
    `[${name}](${name}.md)`,
    summary,
    toSentence(findReason(registry, name)),
  ]);
  return `# Policies

A policy is one behaviour that many services would otherwise each write again. It is configured by its name under \`policies\`: of the
gateway, of a listener or of a route. The settings of a route go before those of its listener, and those before the gateway's; they
replace each other whole. \`false\` switches a policy off.

Policies run in this order, whatever the order in which they are written. An answer meets them the other way round.

${toTable(['', 'Policy', 'What it does', 'Why it stands there'], rows)}
`;
}

function findReason(registry: string, policy: string): string {
  const name = `${policy.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Policy`;
  const reason = new RegExp(`^ *${name}, // (.+)$`, 'm').exec(registry)?.[1];
  if (reason === undefined) throw new Error(`the registry gives no reason for the place of ${policy}`);
  return reason;
}

function toSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
