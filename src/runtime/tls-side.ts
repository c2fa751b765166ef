/**
 * What this thread does so that data planes can speak TLS: it has certificates ordered and watched, says what an authority is
 * shown, and makes the keys of session tickets.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { CertificateFacts } from '#certificates/certificate-facts.ts';
import type { Configuration } from '#config/configuration.ts';
import type { CertificateService } from './certificate-service.ts';
import type { DataPlanes } from './data-planes.ts';
import type { ConfigurationFiles } from './named-files.ts';
import { TicketKeys } from './ticket-keys.ts';

/** How often it is looked whether keys of session tickets are old enough to be replaced. */
const TICKET_LOOK_MS = 10_000;

export interface TlsSideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly planes: DataPlanes;
  /** An ordered certificate has changed: the configuration is to be applied again. */
  onCertificates(): void;
}

export class TlsSide {
  readonly #options: TlsSideOptions;
  #ticketKeys: TicketKeys;
  #ticketTimer: NodeJS.Timeout | undefined;
  /** Only where a configuration has certificates, or asks for metrics of them. */
  #certificates: CertificateService | undefined;

  constructor(options: TlsSideOptions) {
    this.#options = options;
    this.#ticketKeys = new TicketKeys(options.clock);
  }

  /** Listeners that are new have keys of session tickets before they listen. */
  followListeners(configuration: Configuration): void {
    if (this.#ticketKeys.follow(configuration)) this.#giveTicketKeys();
  }

  /** The files that a configuration names, and the certificates that it has ordered. */
  async withOrdered(configuration: Configuration, files: ConfigurationFiles): Promise<ConfigurationFiles> {
    if (this.#certificates === undefined && !concernsCertificates(configuration)) return files;
    this.#certificates ??= await this.#createCertificates();
    return { ...files, texts: { ...files.texts, ...(await this.#certificates.provide(configuration)) } };
  }

  /** The configuration is the present one. */
  follow(configuration: Configuration, files: ConfigurationFiles): void {
    this.#certificates?.follow(configuration, files.texts);
  }

  /** Every certificate that is used now. */
  get certificates(): readonly CertificateFacts[] {
    return this.#certificates?.facts ?? [];
  }

  /** In the text form of Prometheus. */
  get metricsText(): string {
    return this.#certificates?.metricsText ?? '';
  }

  async stop(): Promise<void> {
    clearInterval(this.#ticketTimer);
    this.#ticketTimer = undefined;
    // Who serves after another start knows no keys yet.
    this.#ticketKeys = new TicketKeys(this.#options.clock);
    const certificates = this.#certificates;
    this.#certificates = undefined;
    await certificates?.stop();
  }

  #giveTicketKeys(): void {
    this.#options.planes.setTicketKeys(this.#ticketKeys.present);
    this.#ticketTimer ??= setInterval(() => {
      if (this.#ticketKeys.rotate()) this.#giveTicketKeys();
    }, TICKET_LOOK_MS).unref();
  }

  async #createCertificates(): Promise<CertificateService> {
    const { CertificateService } = await import('./certificate-service.ts');
    const { clock, logger, planes, onCertificates } = this.#options;
    return new CertificateService({
      clock,
      logger,
      onChallenges: (challenges) => planes.setChallenges(challenges),
      onCertificates,
    });
  }
}

function concernsCertificates({ acme, admin, listeners, services }: Configuration): boolean {
  if (acme !== undefined || admin !== undefined) return true;
  return [...Object.values(listeners), ...Object.values(services)].some(({ tls }) => tls !== undefined);
}
