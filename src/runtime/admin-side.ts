/** The admin address: opened, moved and closed as configurations say. Its code is loaded by configurations that have one. */

import type { AdminServer, AdminTls } from '#admin/admin-server.ts';
import type { Administrations } from '#admin/administrations.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/logger.ts';
import type { MetricsFormat } from '#base/metric-text.ts';
import type { Configuration } from '#config/configuration.ts';
import { formatAddress, type SocketAddress } from '#net/address.ts';
import { ListenFailure } from './listen-failure.ts';
import type { ConfigurationFiles } from './named-files.ts';
import { probeAddress } from './port-probe.ts';

/** How long requests may still run at an address that was given up. */
const RETIRING_MS = 2_000;

export interface AdminSideOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Why traffic should not be sent here; `undefined` when it may. */
  reasonNotReady(): string | undefined;
  renderMetrics(format: MetricsFormat): Promise<Buffer>;
  /** The present one. */
  findConfiguration(): Configuration | undefined;
  loadAdministrations(): Promise<Administrations>;
}

export interface OpenedAdmin {
  readonly server: AdminServer;
  readonly written: SocketAddress;
  readonly bound: SocketAddress;
}

export class AdminSide {
  readonly #options: AdminSideOptions;
  #present: OpenedAdmin | undefined;
  /** Their addresses are given up. */
  readonly #retiring = new Set<AdminServer>();

  constructor(options: AdminSideOptions) {
    this.#options = options;
  }

  get address(): SocketAddress | undefined {
    return this.#present?.bound;
  }

  /** Opens the admin address of a configuration where it is new. Then `swap` is called, or the server is stopped. */
  async open(configuration: Configuration, files: ConfigurationFiles): Promise<OpenedAdmin | undefined> {
    const { admin } = configuration;
    if (admin === undefined) return undefined;
    const { address: written } = admin;
    if (this.#present !== undefined && formatAddress(this.#present.written) === formatAddress(written)) return undefined;
    const [{ AdminServer }, { toAdminAccess }] = await Promise.all([
      import('#admin/admin-server.ts'),
      import('#admin/admin-guard.ts'),
    ]);
    const { clock, logger, findConfiguration } = this.#options;
    const server: AdminServer = new AdminServer({
      clock,
      reasonNotReady: () => this.#options.reasonNotReady(),
      renderMetrics: (format) => this.#options.renderMetrics(format),
      // It answers before its configuration is the present one, and even then only to those who may.
      access: () => toAdminAccess((this.#present?.server === server ? findConfiguration()?.admin : undefined) ?? admin),
      loadAdministrations: () => this.#options.loadAdministrations(),
      onFault: (error) => logger.log('error', 'admin request failed', { error }),
    });
    await server.follow(findTls(configuration, files));
    try {
      return { server, written, bound: await server.start(await probeAddress(written)) };
    } catch (error) {
      throw new ListenFailure('admin', written, error);
    }
  }

  /** A configuration is the present one, with what was opened for it. */
  async swap(configuration: Configuration, files: ConfigurationFiles, opened: OpenedAdmin | undefined): Promise<void> {
    if (opened === undefined && configuration.admin !== undefined) {
      await this.#present?.server.follow(findTls(configuration, files));
      return;
    }
    const before = this.#present?.server;
    this.#present = opened;
    if (before !== undefined) this.#retire(before);
  }

  async stop(): Promise<void> {
    const before = this.#present;
    this.#present = undefined;
    await Promise.all([before?.server, ...this.#retiring].map((server) => server?.stop()));
    this.#retiring.clear();
  }

  /** It may be the one that has brought the configuration which does without it: its answer is still to be sent. */
  #retire(server: AdminServer): void {
    server.retire();
    this.#retiring.add(server);
    setTimeout(() => {
      if (this.#retiring.delete(server)) void server.stop();
    }, RETIRING_MS).unref();
  }
}

function findTls({ admin }: Configuration, { texts }: ConfigurationFiles): AdminTls | undefined {
  if (admin?.tls === undefined) return undefined;
  const { cert, key, clientCa } = admin.tls;
  const [certText, keyText] = [texts[cert], texts[key]];
  if (certText === undefined || keyText === undefined) return undefined;
  return { cert: certText, key: keyText, clientCa: clientCa === undefined ? undefined : texts[clientCa] };
}
