/** The present configuration, those before it, and what operators bring, as the admin API shows and changes them. */
import { createTwoFilesPatch } from 'diff';
import { stringify } from 'yaml';
import { adminErrors } from '#admin/admin-errors.ts';
import type {
  ApplyOutcome,
  ConfigurationAdministration,
  ConfigurationIssue,
  ConfigurationJudgement,
  ConfigurationTraffic,
  ConfigurationView,
  HistoryEntryView,
} from '#admin/configuration-administration.ts';
import type { Operator } from '#admin/operator.ts';
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { runInSlices } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import { readDocument } from '#config/document.ts';
import { HIDDEN, type HiddenSecrets } from '#config/hidden-secrets.ts';
import { formatPath, type Issue, isError, sortIssues } from '#config/issue.ts';
import type { ConfigurationOrigin, HistoryEntry } from './applied-configuration.ts';
import { toShortHash } from './configuration-hash.ts';
import type { ConfigurationSide } from './configuration-side.ts';
import { findFileIssues } from './file-issues.ts';
import type { Refusal, TakeOutcome } from './refusal.ts';

export interface RunningConfigurationsMeans {
  readonly clock: Clock;
  readonly side: ConfigurationSide;
  findConfiguration(): Configuration | undefined;
  /** Since the present one was applied. */
  findTraffic(): ConfigurationTraffic | undefined;
  bring(text: string, origin: ConfigurationOrigin): Promise<TakeOutcome>;
  loadHiddenSecrets(): Promise<HiddenSecrets>;
}

/** A text whose secrets are back, or what is wrong with it. */
type Restored = { readonly text: string } | { readonly issues: readonly Issue[] };

export class RunningConfigurations implements ConfigurationAdministration {
  readonly #means: RunningConfigurationsMeans;
  /** Texts as they are shown: making one takes its time. */
  readonly #shown = new WeakMap<HistoryEntry, string>();

  constructor(means: RunningConfigurationsMeans) {
    this.#means = means;
  }

  get currentHash(): string {
    return this.#means.side.present?.hash ?? '';
  }

  async show(): Promise<ConfigurationView> {
    const { hash, version, appliedMs, origin } = this.#means.side.present!;
    const entry = this.#means.side.history?.entries.at(-1);
    const text = entry === undefined ? '' : await this.#show(entry);
    return { version, hash, text, appliedAt: toIso(appliedMs), ...origin };
  }

  async check(text: string): Promise<ConfigurationJudgement> {
    const restored = await this.#restore(text);
    if ('issues' in restored) return toJudgement(restored.issues);
    const loaded = await this.#means.side.source.read(restored.text);
    return toJudgement([...loaded.issues, ...(await findFileIssues(loaded))]);
  }

  async apply(text: string, operator: Operator): Promise<ApplyOutcome | GatewayError> {
    if (this.#means.findConfiguration()?.admin?.apply !== true) return adminErrors.applyingOff();
    const restored = await this.#restore(text);
    if ('issues' in restored) return toJudgement(restored.issues);
    return this.#bring(restored.text, { source: 'api', by: operator.by });
  }

  listHistory(): readonly HistoryEntryView[] {
    const current = this.currentHash;
    return this.#entries.toReversed().map(({ hash, version, appliedMs, origin, lines, traffic }) => ({
      hash,
      version,
      appliedAt: toIso(appliedMs),
      ...origin,
      current: hash === current,
      lines,
      traffic: hash === current ? this.#means.findTraffic() : traffic,
    }));
  }

  async findText(hash: string) {
    const entry = this.#means.side.history?.find(hash);
    return entry === undefined ? adminErrors.noConfiguration() : { hash: entry.hash, text: await this.#show(entry) };
  }

  async compare(hash: string, against: string | undefined): Promise<string | GatewayError> {
    const { history } = this.#means.side;
    const after = history?.find(hash);
    if (after === undefined) return adminErrors.noConfiguration();
    const before = against === undefined ? history?.findBefore(after.hash) : history?.find(against);
    if (before === undefined && against !== undefined) return adminErrors.noConfiguration();
    const texts = [before === undefined ? '' : await this.#show(before), await this.#show(after)] as const;
    return compareTexts(texts, [before === undefined ? 'nothing' : toShortHash(before.hash), toShortHash(after.hash)]);
  }

  async rollBack(hash: string, operator: Operator): Promise<ApplyOutcome | GatewayError> {
    const entry = this.#means.side.history?.find(hash);
    if (entry === undefined) return adminErrors.noConfiguration();
    return this.#bring(entry.text, { source: 'rollback', by: operator.by });
  }

  get #entries(): readonly HistoryEntry[] {
    return this.#means.side.history?.entries ?? [];
  }

  async #bring(text: string, origin: ConfigurationOrigin): Promise<ApplyOutcome | GatewayError> {
    const { side, bring } = this.#means;
    if (!side.source.canBring) return adminErrors.applyingOff();
    const { refusal, warnings } = await bring(text, origin);
    if (refusal !== undefined) return toRefused(refusal);
    const { hash, version } = side.present!;
    return { ...toJudgement(warnings), hash, version };
  }

  /** Puts the present secrets where the text says that they are hidden. */
  async #restore(text: string): Promise<Restored> {
    const { side, loadHiddenSecrets } = this.#means;
    if (!text.includes(HIDDEN)) return { text };
    const present = side.history?.entries.at(-1);
    const presentText = present?.isMade === true ? undefined : present?.text;
    const hidden = await loadHiddenSecrets();
    const restored = hidden.restoreInText(text, { text: presentText, value: side.present?.value });
    if (restored.missing.length === 0) return { text: restored.text };
    const message = `\`${HIDDEN}\` stands for a secret, and at this place there is none; write the secret, or a reference to it`;
    const document = readDocument('', text);
    const issues = restored.missing.map((path) => document.toIssue({ path, code: 'invalid-value', message }));
    return { issues: sortIssues(issues) };
  }

  async #show(entry: HistoryEntry): Promise<string> {
    const known = this.#shown.get(entry);
    if (known !== undefined) return known;
    const hidden = await this.#means.loadHiddenSecrets();
    const { text, isMade } = entry;
    const value = entry.hash === this.currentHash ? this.#means.side.present?.value : readDocument('', text).value;
    const shown = isMade ? toYaml(hidden, text) : await runInSlices(hidden.hideInText(text, value), this.#means.clock);
    this.#shown.set(entry, shown);
    return shown;
  }
}

function toYaml(hidden: HiddenSecrets, text: string): string {
  const value: unknown = JSON.parse(text);
  return stringify(hidden.hideInValue(value), { aliasDuplicateObjects: false });
}

function toRefused({ issues, reasons }: Refusal): ApplyOutcome {
  const others = reasons.map((message): ConfigurationIssue => ({ path: '', message, severity: 'error' }));
  return { ok: false, issues: [...toJudgement(issues).issues, ...others] };
}

function toJudgement(issues: readonly Issue[]): ConfigurationJudgement {
  return {
    ok: !issues.some(isError),
    issues: sortIssues(issues).map(({ line, column, path, message, severity }) => ({
      ...(line !== undefined && { line }),
      ...(column !== undefined && { column }),
      path: formatPath(path),
      message,
      severity,
    })),
  };
}

/** Texts that have too little in common are not compared line by line: one goes, the other comes. */
function compareTexts([before, after]: readonly [string, string], [from, to]: readonly [string, string]): string {
  const patch = createTwoFilesPatch(from, to, before, after, '', '', { timeout: limits.comparedMsMax });
  if (patch !== undefined) return patch;
  const lines = (text: string, mark: string) => text.split('\n').map((line) => `${mark}${line}\n`);
  return [`--- ${from}\n+++ ${to}\n`, ...lines(before, '-'), ...lines(after, '+')].join('');
}

function toIso(ms: number): string {
  return new Date(ms).toISOString();
}
