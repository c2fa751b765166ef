import { createConfigurationJsonSchema } from '#config/json-schema.ts';
import { policyOrder } from '#policies/registry.ts';
import { listSettings, type SettingRow, toSettingTable } from './setting-rows.ts';

const POLICIES = /(?:^|\.)policies$/;

/** Every setting of the configuration but those of single policies, which have pages of their own. */
export async function toConfigurationPage(): Promise<string> {
  const rows = listSettings(await createConfigurationJsonSchema(policyOrder), '', (path) => POLICIES.test(path));
  const sections = Map.groupBy(rows, ({ path }) => /^[^.[]+/.exec(path)?.[0] ?? '');
  const body = [...sections].map(([name, settings]) => `## ${name}\n\n${toSettingTable(settings.map(linkPolicies))}\n`);
  return `# Configuration

Every setting. \`NAME\` stands for a name of your choice, \`[]\` for each element of a list. A setting without a default may be left
out, unless it is required. Keys that are not listed here are mistakes. Wherever a text, a number or a switch stands, a reference may
stand instead: \`\${env:NAME}\`, \`\${env:NAME:-default}\` or \`\${file:PATH}\`. \`gatehouse schema\` prints the same for editors.

${body.join('\n')}`;
}

function linkPolicies(row: SettingRow): SettingRow {
  if (!POLICIES.test(row.path)) return row;
  return { ...row, meaning: `${row.meaning} The settings of each: [policies](../policies/README.md).` };
}
