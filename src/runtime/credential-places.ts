/** Where a configuration says that credentials stand: what is logged, recorded or shown is to be without them. */
import { Secret } from '#base/secret.ts';
import type { Configuration } from '#config/configuration.ts';
import type { CredentialNames } from '#http/secret-names.ts';
import { identifyingPolicyNames } from '#policies/registry.ts';

const SETTINGS_DEPTH_MAX = 16;

export function findCredentialNames(configuration: Configuration): CredentialNames {
  const found = { fields: new Set<string>(), parameters: new Set<string>() };
  for (const blocks of listPolicyBlocks(configuration)) {
    for (const [policy, settings] of Object.entries(blocks ?? {})) collect(settings, credentialPolicyNames.has(policy), found, 0);
  }
  // In an order of their own: routes that only stand elsewhere change nothing for who goes by the names.
  return { fields: [...found.fields].sort(), parameters: [...found.parameters].sort() };
}

const credentialPolicyNames: ReadonlySet<string> = new Set([...identifyingPolicyNames, 'upstream-auth']);

function listPolicyBlocks({
  policies,
  listeners,
  routes,
  services,
}: Configuration): (Readonly<Record<string, unknown>> | undefined)[] {
  const places = [...Object.values(listeners), ...Object.values(routes)];
  return [policies, ...places.map((place) => place.policies), ...Object.values(services).map((service) => ({ service }))];
}

interface Found {
  readonly fields: Set<string>;
  readonly parameters: Set<string>;
}

/** Whoever looks for a credential names its field `header` and its parameter `query`; a secret stands under the name of its own. */
function collect(value: unknown, isIdentity: boolean, found: Found, depth: number): void {
  if (typeof value !== 'object' || value === null || depth > SETTINGS_DEPTH_MAX) return;
  for (const [name, member] of Object.entries(value)) {
    if (member instanceof Secret) found.fields.add(name.toLowerCase());
    else if (typeof member !== 'string') collect(member, isIdentity, found, depth + 1);
    else if (isIdentity && name === 'header') found.fields.add(member.toLowerCase());
    else if (isIdentity && name === 'query') found.parameters.add(member);
  }
}
