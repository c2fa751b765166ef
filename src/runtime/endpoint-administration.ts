/** Carries out what operators ask of the admin API, and writes down who asked. */
import { adminErrors } from '#admin/admin-errors.ts';
import type { Operator } from '#admin/operator.ts';
import type {
  AddedEndpoint,
  EndpointPatch,
  EndpointView,
  ServiceAdministration,
  ServiceView,
} from '#admin/service-administration.ts';
import type { Clock } from '#base/clock.ts';
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { isHttpScheme } from '#config/services/service-schemes.ts';
import { readEndpointUrl } from '#schema/endpoint-url.ts';
import { type EndpointBoard, EndpointFlag } from '#services/endpoint-board.ts';
import { type EndpointChange, noChange } from '#services/endpoint-changes.ts';
import { type EndpointList, formatEndpointUrl } from '#services/endpoint-list.ts';
import type { JoinedEndpoint } from '#services/joined-endpoints.ts';
import { type EndpointRegistry, TooManyEndpoints } from './endpoint-registry.ts';

export interface EndpointAdministrationMeans {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly board: EndpointBoard;
  readonly registry: EndpointRegistry;
  /** Whether the endpoints of a service of the present configuration take bytes. */
  takesBytes(service: string): boolean;
  /** Tells the data threads. */
  onList(service: string, list: EndpointList): void;
}

/** What the log says of a change. */
interface Audit {
  readonly change: 'added' | 'changed' | 'removed';
  readonly operator: Operator;
}

export class EndpointAdministration implements ServiceAdministration {
  readonly #means: EndpointAdministrationMeans;

  constructor(means: EndpointAdministrationMeans) {
    this.#means = means;
  }

  list(): readonly ServiceView[] {
    return Object.keys(this.#means.registry.lists).map((name) => this.#toView(name));
  }

  find(service: string): ServiceView | GatewayError {
    return this.#endpointsOf(service) === undefined ? adminErrors.noService() : this.#toView(service);
  }

  add(service: string, { url: written, weight }: AddedEndpoint, operator: Operator): EndpointView | GatewayError {
    const endpoints = this.#endpointsOf(service);
    if (endpoints === undefined) return adminErrors.noService();
    const reading = readEndpointUrl(written);
    if ('problem' in reading) return adminErrors.malformedRequest(undefined, { publicDetail: reading.problem });
    const url = reading.value;
    if (isHttpScheme(url.scheme) === this.#means.takesBytes(service)) return adminErrors.otherKind();
    const key = formatEndpointUrl(url);
    if (endpoints.has(key)) return adminErrors.endpointExists();
    const added = { ...noChange, added: { url, weight: weight ?? 1 }, weight };
    return this.#apply(service, key, added, { change: 'added', operator }) ?? this.#viewsOf(service).get(key)!;
  }

  change(service: string, id: string, patch: EndpointPatch, operator: Operator): EndpointView | GatewayError {
    const key = toKey(id);
    const refusal = this.#findRefusal(service, key);
    if (refusal !== undefined) return refusal;
    const before = this.#means.registry.changesOf(service).get(key) ?? noChange;
    const { weight, draining: isDraining = before.isDraining } = patch;
    const change = { ...before, weight: weight === undefined ? before.weight : (weight ?? undefined), isDraining };
    return this.#apply(service, key, change, { change: 'changed', operator }) ?? this.#viewsOf(service).get(key)!;
  }

  remove(service: string, id: string, operator: Operator): undefined | GatewayError {
    const key = toKey(id);
    const refusal = this.#findRefusal(service, key);
    if (refusal !== undefined) return refusal;
    const { origins } = this.#endpointsOf(service)!.get(key)!;
    const isNamedElsewhere = origins.some((origin) => origin !== 'operator');
    return this.#apply(service, key, { ...noChange, isRemoved: isNamedElsewhere }, { change: 'removed', operator });
  }

  #endpointsOf(service: string): ReadonlyMap<string, JoinedEndpoint> | undefined {
    return this.#means.registry.endpointsOf(service);
  }

  #findRefusal(service: string, key: string): GatewayError | undefined {
    const endpoints = this.#endpointsOf(service);
    if (endpoints === undefined) return adminErrors.noService();
    return endpoints.has(key) ? undefined : adminErrors.noEndpoint();
  }

  /** Returns why it could not be done. */
  #apply(service: string, key: string, change: EndpointChange, audit: Audit): GatewayError | undefined {
    const { registry, logger, onList } = this.#means;
    const changes = registry.changesOf(service);
    if (changes.size >= limits.operatorChangesMax && !changes.has(key)) return adminErrors.tooManyChanges();
    try {
      const list = registry.setChange(service, key, change);
      if (list !== undefined) onList(service, list);
    } catch (error) {
      if (error instanceof TooManyEndpoints)
        return adminErrors.tooManyChanges({ ...error.lack }, { publicDetail: error.message });
      throw error;
    }
    const endpoint = this.#endpointsOf(service)?.get(key);
    logger.log('info', 'endpoint changed by an operator', {
      change: audit.change,
      service,
      endpoint: key,
      weight: endpoint?.weight,
      draining: endpoint?.isDraining,
      by: audit.operator.by,
      clientAddress: audit.operator.address,
    });
    return undefined;
  }

  #toView(name: string): ServiceView {
    const { registry } = this.#means;
    return {
      name,
      version: registry.lists[name]?.version ?? 0,
      endpoints: [...this.#viewsOf(name).values()],
      removed: [...registry.changesOf(name)].filter(([, { isRemoved }]) => isRemoved).map(([url]) => url),
    };
  }

  /** By URL. */
  #viewsOf(service: string): Map<string, EndpointView> {
    const { board, clock, registry } = this.#means;
    const nowMs = clock.monotonicMs();
    const endpoints = this.#endpointsOf(service);
    const views = new Map<string, EndpointView>();
    for (const { url, slot } of registry.lists[service]?.records ?? []) {
      const key = formatEndpointUrl(url);
      const { weight, origins, isDraining } = endpoints!.get(key)!;
      views.set(key, {
        id: toId(key),
        url: key,
        weight,
        origins,
        draining: isDraining,
        unhealthy: board.hasFlag(slot, EndpointFlag.unhealthy),
        ejected: board.ejectedForMs(slot, nowMs) > 0,
      });
    }
    return views;
  }
}

function toId(url: string): string {
  return Buffer.from(url).toString('base64url');
}

function toKey(id: string): string {
  return Buffer.from(id, 'base64url').toString();
}
