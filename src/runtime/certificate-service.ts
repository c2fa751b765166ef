/**
 * The certificates of the running configuration, on the control thread: has ordered ones kept, warns before any of them
 * expires, and tells the metrics. The code that orders is loaded when a configuration asks for it, and not before.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { CertificateFacts } from '#certificates/certificate-facts.ts';
import type { CertificateKeeper } from '#certificates/certificate-keeper.ts';
import { UsedCertificates } from '#certificates/certificate-uses.ts';
import { toExpiryMetrics } from '#certificates/expiry-metrics.ts';
import { ExpiryWatch } from '#certificates/expiry-watch.ts';
import type { Configuration } from '#config/configuration.ts';
import type { AcmeChallenges } from '#net/acme-challenges.ts';

export interface CertificateServiceOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  onChallenges(challenges: AcmeChallenges): void;
  /** An ordered certificate has changed: the configuration is to be applied again. */
  onCertificates(): void;
}

type Texts = Readonly<Record<string, string>>;

const LOOK_EVERY_MS = 500;
const EXPIRY_LOOK_EVERY_MS = 60_000;
const EXPIRY_FIRST_LOOK_MS = 1_000;

export class CertificateService {
  readonly #options: CertificateServiceOptions;
  readonly #expiry: ExpiryWatch;
  #keeper: CertificateKeeper | undefined;
  #used: UsedCertificates | undefined;
  #lookTimer: NodeJS.Timeout | undefined;
  #expiryTimer: NodeJS.Timeout | undefined;
  #soonTimer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: CertificateServiceOptions) {
    this.#options = options;
    this.#expiry = new ExpiryWatch(options.logger);
  }

  /** The texts of ordered certificates, by the paths of their files. */
  async provide(configuration: Configuration): Promise<Texts> {
    if (configuration.acme === undefined) return {};
    this.#keeper ??= await this.#createKeeper();
    return this.#keeper.provide(configuration);
  }

  /** The configuration is the present one now, with these texts of its files. */
  follow(configuration: Configuration, texts: Texts): void {
    if (this.#isStopped) return;
    const { acme } = configuration;
    this.#used = new UsedCertificates(configuration, texts, this.#used);
    this.#keeper?.follow(configuration, { provided: texts, ca: acme?.ca === undefined ? undefined : texts[acme.ca] });
    if (acme !== undefined) this.#lookTimer ??= setInterval(() => void this.#keeper?.look(), LOOK_EVERY_MS).unref();
    this.#expiryTimer ??= setInterval(() => this.#lookAtExpiry(), EXPIRY_LOOK_EVERY_MS).unref();
    // Not now: with many certificates it takes its time, and the gateway is to answer first.
    clearTimeout(this.#soonTimer);
    this.#soonTimer = setTimeout(() => this.#lookAtExpiry(), EXPIRY_FIRST_LOOK_MS).unref();
  }

  /** Every certificate that is used now. */
  get facts(): CertificateFacts[] {
    return this.#used?.facts(this.#options.clock.wallMs()) ?? [];
  }

  /** In the text form of Prometheus. */
  get metricsText(): string {
    return toExpiryMetrics(this.facts);
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#lookTimer);
    clearInterval(this.#expiryTimer);
    clearTimeout(this.#soonTimer);
    await this.#keeper?.stop();
  }

  #lookAtExpiry(): void {
    const nowMs = this.#options.clock.wallMs();
    this.#expiry.look(this.#used?.facts(nowMs) ?? [], nowMs);
  }

  async #createKeeper(): Promise<CertificateKeeper> {
    const [{ CertificateKeeper }, { AcmeAuthority }] = await Promise.all([
      import('#certificates/certificate-keeper.ts'),
      import('#certificates/acme-authority.ts'),
    ]);
    const { clock, logger, onChallenges, onCertificates } = this.#options;
    return new CertificateKeeper({
      clock,
      logger,
      random: () => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32,
      wait,
      createAuthority: (options) => new AcmeAuthority(options),
      onChallenges,
      onCertificates,
    });
  }
}

/** Resolves after that time, or at once when the signal says so. */
function wait(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}
