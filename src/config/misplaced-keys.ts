/** Keys that are right by themselves and stand at the wrong place: what they are and where they belong says more than what else could stand there. */
import { DESTINATION_KEYS } from './destination-schema.ts';
import type { Finding } from './issue.ts';
import type { ConfigurablePolicy } from './policies/policy-blocks.ts';

const destinations: ReadonlySet<string | number> = new Set(DESTINATION_KEYS);

export function explainMisplacedKey(finding: Finding, policies: readonly ConfigurablePolicy[]): Finding {
  const { code, path } = finding;
  const key = path.at(-1);
  if (code !== 'unknown-key' || key === undefined) return finding;
  const isAmongPolicies = path.at(-2) === 'policies';
  if (!isAmongPolicies && policies.some(({ name }) => name === key))
    return { ...finding, message: `\`${key}\` is a policy; write it under \`policies\` of a route, a listener or the gateway` };
  if (isAmongPolicies && destinations.has(key))
    return { ...finding, message: `\`${key}\` is no policy; write it under \`to\` of a route` };
  return finding;
}
