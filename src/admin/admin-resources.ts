/** All resources of the admin API, in the order of its document. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { OperatorRole } from '#config/operator-roles.ts';
import { adminErrors } from './admin-errors.ts';
import type { Administrations } from './administrations.ts';
import { roleOf } from './operations.ts';
import type { Api, ApiEnvironment } from './resource.ts';
import { addAudit } from './resources/audit.ts';
import { addCache } from './resources/cache.ts';
import { addCertificates } from './resources/certificates.ts';
import { addComparisons } from './resources/comparisons.ts';
import { addConfiguration } from './resources/configuration.ts';
import { addConsumers } from './resources/consumers.ts';
import { addExchanges } from './resources/exchanges.ts';
import { addHistory } from './resources/history.ts';
import { addLimits } from './resources/limits.ts';
import { addListeners } from './resources/listeners.ts';
import { addQuotas } from './resources/quotas.ts';
import { addRecordings } from './resources/recordings.ts';
import { addRoutes } from './resources/routes.ts';
import { addServices } from './resources/services.ts';
import { addStatus } from './resources/status.ts';
import { addTraffic } from './resources/traffic.ts';

export interface DeclaredRoute {
  readonly method: string;
  readonly path: string;
  readonly 'x-gatehouse-role'?: OperatorRole;
}

export function createApi(): Api {
  return new OpenAPIHono<ApiEnvironment>({
    defaultHook: (result) => {
      if (!result.success) throw adminErrors.malformedRequest(undefined, { publicDetail: z.prettifyError(result.error) });
    },
  });
}

/** What was declared, each with its role. */
export function addResources(app: Api, administrations: Administrations): DeclaredRoute[] {
  const { gateway, configurations } = administrations;
  addStatus(app, gateway);
  addListeners(app, gateway);
  addRoutes(app, administrations.routes);
  addServices(app, administrations.services);
  addCertificates(app, gateway);
  addConsumers(app, gateway);
  addLimits(app, gateway);
  addQuotas(app, administrations.quotas);
  addCache(app, administrations.cache);
  addTraffic(app, administrations.traffic);
  addExchanges(app, administrations.exchanges);
  addRecordings(app, administrations.recordings);
  addComparisons(app, administrations.comparisons);
  addConfiguration(app, configurations);
  addHistory(app, configurations);
  addAudit(app, administrations.audit);
  app.openAPIRegistry.registerComponent('securitySchemes', 'token', { type: 'http', scheme: 'bearer' });
  return app.openAPIRegistry.definitions.flatMap((definition) => {
    if (definition.type !== 'route') return [];
    const route: typeof definition.route & { 'x-gatehouse-role'?: OperatorRole } = definition.route;
    // The document says it also where the method alone decides.
    route['x-gatehouse-role'] = roleOf(route);
    return [route];
  });
}
