/** Which configuration runs, where it came from, and which ones ran before. What keeps these is loaded when the first one runs. */
import type { ConfigurationTraffic } from '#admin/configuration-administration.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import { formatMetric } from '#base/metric-text.ts';
import { runInSlices } from '#base/slices.ts';
import type { Configuration } from '#config/configuration.ts';
import type { LoadedConfiguration } from '#config/load.ts';
import type { AppliedConfiguration } from './applied-configuration.ts';
import { hashConfiguration, toShortHash } from './configuration-hash.ts';
import type { ConfigurationHistory } from './configuration-history.ts';
import {
  ConfigurationSource,
  type ConfigurationSourceOptions,
  type SourcedConfiguration,
  toText,
} from './configuration-source.ts';

export interface ConfigurationSideOptions extends ConfigurationSourceOptions {
  readonly clock: Clock;
  readonly logger: Logger;
}

/** The present one. */
export interface PresentConfiguration extends AppliedConfiguration {
  /** Before its references were resolved; kept only where there is an admin address that shows it. */
  readonly value: unknown;
}

export class ConfigurationSide {
  readonly source: ConfigurationSource;
  readonly #options: ConfigurationSideOptions;
  #present: PresentConfiguration | undefined;
  #history: ConfigurationHistory | undefined;

  constructor(options: ConfigurationSideOptions) {
    this.#options = options;
    this.source = new ConfigurationSource(options);
  }

  get present(): PresentConfiguration | undefined {
    return this.#present;
  }

  /** Those that have run, where any has. */
  get history(): ConfigurationHistory | undefined {
    return this.#history;
  }

  /** As much of the hash of the present one as logs show; empty before there is one. */
  get shortHash(): string {
    return toShortHash(this.#present?.hash ?? '');
  }

  /** What names a configuration. The present one is not looked at again. */
  async hash(configuration: Configuration, sourced: SourcedConfiguration | undefined): Promise<string> {
    if (sourced === undefined && this.#present !== undefined) return this.#present.hash;
    return runInSlices(hashConfiguration(configuration), this.#options.clock);
  }

  /** The present one comes to its end, with what it has seen of traffic. */
  async close(traffic: ConfigurationTraffic | undefined): Promise<void> {
    await this.#history?.close(traffic);
  }

  /** It is the present one. */
  async commit(sourced: SourcedConfiguration, { hash, version }: Pick<AppliedConfiguration, 'hash' | 'version'>): Promise<void> {
    const { origin, loaded } = sourced;
    const { written } = loaded;
    const history = await this.#followHistory(loaded);
    this.source.commit(sourced);
    const applied = { hash, version, origin, appliedMs: this.#options.clock.wallMs() };
    this.#present = { ...applied, value: loaded.configuration?.admin === undefined ? undefined : written.value };
    // In the same moment, so that nobody sees the one with the text of the other.
    await history?.add({ ...applied, text: toText(loaded), isMade: written.text === undefined });
  }

  /** `undefined`: nobody could ask for it, and nothing outlives the process. */
  async #followHistory({ configuration }: LoadedConfiguration): Promise<ConfigurationHistory | undefined> {
    const { admin, history } = configuration!;
    if (admin === undefined && history.folder === undefined) return undefined;
    const { ConfigurationHistory } = await import('./configuration-history.ts');
    this.#history ??= new ConfigurationHistory();
    await this.#history.follow(history.keep, await this.#openFolder(history.folder));
    return this.#history;
  }

  /** In the text form of Prometheus. */
  get metricsText(): string {
    const present = this.#present;
    if (present === undefined) return '';
    const labels = { hash: toShortHash(present.hash), version: String(present.version) };
    return formatMetric(infoMetric, [{ labels, value: 1 }]);
  }

  async #openFolder(path: string | undefined) {
    if (path === undefined) return undefined;
    const { HistoryFolder } = await import('./history-folder.ts');
    return new HistoryFolder(path, this.#options.logger);
  }
}

const infoMetric = {
  name: 'gatehouse_configuration_info',
  type: 'gauge',
  help: 'The configuration that runs: its hash, and how many were applied before it and with it.',
} as const;
