/** What is weak in a configuration: all that the rules find, without what somebody has accepted. */
import type { Configuration } from '#config/configuration.ts';
import { createConfigurationSchema } from '#config/configuration-schema.ts';
import { formatPath, type IssuePath } from '#config/issue.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import { loadPolicyConfigs } from '#config/policies/policy-blocks.ts';
import { findSecretPlaces } from '#config/secret-places.ts';
import { policyOrder } from '#policies/registry.ts';
import { Audited } from './audited.ts';
import { type AuditFinding, type AuditRule, type Severity, severities } from './finding.ts';
import { auditRules } from './rules.ts';

export interface Audit {
  /** The worst first. */
  readonly findings: readonly AuditFinding[];
  /** What would be among them, had nobody accepted it. */
  readonly accepted: readonly (AuditFinding & { readonly reason: string })[];
  readonly counts: Readonly<Record<Severity, number>>;
}

type Taken = LoadedConfiguration & { readonly configuration: Configuration };

/** Found by the audit itself, so it is in no list of rules. */
export const uselessAcceptance: Omit<AuditRule, 'find'> = {
  id: 'useless-acceptance',
  severity: 'low',
  because: 'it would hide what is found there one day, or its name is misspelt',
  mend: 'take it out of `audit.accept`',
};

/** `ignored`: ids of findings that are left out as if they were not there. */
export async function makeAudit(loaded: Taken, ignored: ReadonlySet<string> = new Set()): Promise<Audit> {
  const { configuration, written } = loaded;
  // What a program made of variables of its environment looks like what stands in its text.
  const secrets = written.text === undefined ? [] : findSecretPlaces(await loadSchema(), written.value);
  const audited = new Audited(configuration, secrets);
  const found = auditRules.flatMap((rule) =>
    [...rule.find(audited)].map(({ what, path }) => toFinding(rule, what, path, loaded)),
  );
  const entries = listAcceptances(configuration);
  const used = new Set<Acceptance>();
  const accepted: (AuditFinding & { reason: string })[] = [];
  const findings: AuditFinding[] = [];
  for (const finding of found) {
    const covering = entries.filter((entry) => covers(entry, finding));
    for (const entry of covering) used.add(entry);
    if (covering[0] === undefined) findings.push(finding);
    else accepted.push({ ...finding, reason: covering[0].reason });
  }
  for (const entry of entries) {
    if (used.has(entry)) continue;
    const what = `\`${entry.id}\`${entry.at === undefined ? '' : ` at \`${entry.at}\``} is accepted, and not found`;
    findings.push(toFinding(uselessAcceptance, what, entry.path, loaded));
  }
  const shown = findings.filter(({ id }) => !ignored.has(id));
  const counts = severities.map((severity) => [severity, shown.filter((each) => each.severity === severity).length]);
  return {
    findings: shown.toSorted((one, other) => severities.indexOf(one.severity) - severities.indexOf(other.severity)),
    accepted: accepted.filter(({ id }) => !ignored.has(id)),
    counts: Object.fromEntries(counts) as Record<Severity, number>,
  };
}

/** One place at which one finding is accepted; without `at`, all of them. */
interface Acceptance {
  readonly id: string;
  readonly at: string | undefined;
  readonly reason: string;
  readonly path: IssuePath;
}

function listAcceptances({ audit }: Configuration): Acceptance[] {
  return Object.entries(audit?.accept ?? {}).flatMap(([id, { reason, at }]): Acceptance[] => {
    const path: IssuePath = ['audit', 'accept', id];
    if (at === undefined) return [{ id, at, reason, path }];
    return at.map((place, i) => ({ id, at: place, reason, path: [...path, 'at', i] }));
  });
}

function covers({ id, at }: Acceptance, finding: AuditFinding): boolean {
  if (id !== finding.id) return false;
  if (at === undefined || at === finding.path) return true;
  return finding.path.startsWith(at) && /^[.[]/.test(finding.path.slice(at.length));
}

function toFinding(rule: Omit<AuditRule, 'find'>, what: string, path: IssuePath, { toIssue }: Taken): AuditFinding {
  const { id, severity, because, mend } = rule;
  const { file, line, column } = toIssue({ path, code: 'conflict', message: '', pointAt: 'key' });
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return { id, severity, what, because, mend, path: formatPath(path), place };
}

async function loadSchema() {
  return createConfigurationSchema(await loadPolicyConfigs(policyOrder));
}
