/** What the admin API shows and changes of the gateway as a whole. Loaded when it is first asked. */
import type { Administrations } from '#admin/administrations.ts';
import { AuditLog } from '#admin/audit-log.ts';
import type { Logger } from '#base/logger.ts';
import { createConfigurationSchema } from '#config/configuration-schema.ts';
import { HiddenSecrets } from '#config/hidden-secrets.ts';
import { loadPolicyConfigs } from '#config/policies/policy-blocks.ts';
import { policyOrder } from '#policies/registry.ts';
import { AuditFile } from './audit-file.ts';
import { GatewayOverview, type GatewayOverviewMeans } from './gateway-overview.ts';
import { RouteOverview } from './route-overview.ts';
import { RunningConfigurations, type RunningConfigurationsMeans } from './running-configurations.ts';

export interface AdministrationDeskMeans
  extends Omit<GatewayOverviewMeans, 'findPresent'>,
    Omit<RunningConfigurationsMeans, 'loadHiddenSecrets'> {
  readonly logger: Logger;
}

export class AdministrationDesk implements Pick<Administrations, 'gateway' | 'routes' | 'configurations' | 'audit'> {
  readonly gateway: GatewayOverview;
  readonly routes: RouteOverview;
  readonly configurations: RunningConfigurations;
  readonly audit: AuditLog;
  #hiddenSecrets: Promise<HiddenSecrets> | undefined;

  constructor(means: AdministrationDeskMeans) {
    const { clock, logger, side, findConfiguration } = means;
    const loadHiddenSecrets = () => this.#loadHiddenSecrets();
    const findPresent = () => side.present;
    this.gateway = new GatewayOverview({ ...means, findPresent });
    this.routes = new RouteOverview({ clock, findConfiguration, findWritten: () => side.present?.value, loadHiddenSecrets });
    this.configurations = new RunningConfigurations({ ...means, loadHiddenSecrets });
    const file = new AuditFile({ clock, logger, findPath: () => findConfiguration()?.admin?.audit?.file });
    this.audit = new AuditLog({ write: (entry) => file.write(entry) });
  }

  #loadHiddenSecrets(): Promise<HiddenSecrets> {
    this.#hiddenSecrets ??= loadPolicyConfigs(policyOrder).then(
      (configs) => new HiddenSecrets(createConfigurationSchema(configs)),
    );
    return this.#hiddenSecrets;
  }
}
