/** The files that a configuration names, as absolute paths. */
import { resolve } from 'node:path';
import type { LogSettings } from './access-log/access-log-schema.ts';
import type { LogTarget } from './access-log/target-schema.ts';
import type {
  AcmeConfiguration,
  AdminConfiguration,
  Configuration,
  ListenerConfiguration,
  ListenerTlsConfiguration,
  RouteConfiguration,
  ServiceConfiguration,
} from './configuration.ts';
import { type AddressListingPolicy, resolveAddressListFiles } from './policies/address-list-files.ts';
import { type ContractPolicy, resolveContracts } from './policies/contracts.ts';
import type { PolicyBlocks } from './policies/policy-blocks.ts';
import { type FileReadingPolicy, resolvePolicyFiles } from './policies/policy-files.ts';

/** Resolves every path of a file against the folder of the configuration. */
export function resolveFilePaths(
  configuration: Configuration,
  folder: string,
  policies: readonly (AddressListingPolicy & FileReadingPolicy & ContractPolicy)[],
): Configuration {
  const { accessLog, acme, admin, geo, history, log, recording, stores, tracing } = configuration;
  // Of many routes, each would be asked for all policies.
  const listing = policies.filter(({ addressListSettings, nested }) => addressListSettings !== undefined || nested !== undefined);
  const reading = policies.filter(({ fileSettings }) => fileSettings !== undefined);
  const contracts = policies.filter(({ contractSettings }) => contractSettings !== undefined);
  const resolveBlocks = (blocks: PolicyBlocks) =>
    resolveContracts(resolvePolicyFiles(resolveAddressListFiles(blocks, folder, listing), folder, reading), folder, contracts);
  // Of many routes, few name a file: the others stay as they are.
  const resolvePolicies = <Place extends { readonly policies?: PolicyBlocks | undefined }>(place: Place): Place => {
    const resolved = place.policies && resolveBlocks(place.policies);
    return resolved === place.policies ? place : { ...place, policies: resolved };
  };
  return {
    ...resolvePolicies(configuration),
    stores: resolveStores(stores, folder),
    history: { ...history, ...(history.folder !== undefined && { folder: resolve(folder, history.folder) }) },
    ...(admin !== undefined && { admin: resolveAdmin(admin, folder) }),
    ...(acme !== undefined && { acme: resolveAcme(acme, folder) }),
    ...(tracing?.to.ca !== undefined && { tracing: { ...tracing, to: { ...tracing.to, ca: resolve(folder, tracing.to.ca) } } }),
    ...(geo !== undefined && { geo: { ...geo, database: resolve(folder, geo.database) } }),
    ...(recording !== undefined && {
      recording: { ...recording, to: { ...recording.to, file: resolve(folder, recording.to.file) } },
    }),
    listeners: mapValues(configuration.listeners, (listener) => resolvePolicies(resolveListener(listener, folder))),
    routes: mapValues(configuration.routes, (route) => resolvePolicies(resolveRoute(route, folder))),
    services: mapValues(configuration.services, (service) => resolveService(service, folder)),
    log: { ...log, to: resolvePlace(log.to, folder) },
    accessLog: accessLog === false ? false : { ...accessLog, logs: accessLog.logs.map((log) => resolveLog(log, folder)) },
  };
}

function resolveLog({ to, ...lines }: LogSettings, folder: string): LogSettings {
  return { to: resolvePlace(to, folder), ...lines };
}

function resolvePlace<Place extends LogTarget | Configuration['log']['to']>(place: Place, folder: string): Place {
  if ('file' in place) return { ...place, file: resolve(folder, place.file) };
  if ('tls' in place && place.tls !== undefined) return { ...place, tls: resolveClientTls(place.tls, folder) };
  return 'ca' in place && place.ca !== undefined ? { ...place, ca: resolve(folder, place.ca) } : place;
}

function resolveStores({ file, memory, cache, redis }: Configuration['stores'], folder: string): Configuration['stores'] {
  return {
    memory,
    cache,
    ...(file !== undefined && { file: resolve(folder, file) }),
    ...(redis !== undefined && { redis: { ...redis, ...(redis.ca !== undefined && { ca: resolve(folder, redis.ca) }) } }),
  };
}

function resolveAdmin(admin: AdminConfiguration, folder: string): AdminConfiguration {
  const { tls, audit } = admin;
  const absolute = (path: string) => resolve(folder, path);
  return {
    ...admin,
    ...(audit !== undefined && { audit: { file: absolute(audit.file) } }),
    ...(tls !== undefined && {
      tls: {
        cert: absolute(tls.cert),
        key: absolute(tls.key),
        ...(tls.clientCa !== undefined && { clientCa: absolute(tls.clientCa) }),
      },
    }),
  };
}

function resolveAcme(acme: AcmeConfiguration, folder: string): AcmeConfiguration {
  const { store, ca } = acme;
  return { ...acme, store: resolve(folder, store), ...(ca !== undefined && { ca: resolve(folder, ca) }) };
}

function resolveListener(listener: ListenerConfiguration, folder: string): ListenerConfiguration {
  const { tls } = listener;
  if (tls === undefined) return listener;
  const certificates = tls.certificates.map((certificate) =>
    certificate.kind === 'acme'
      ? certificate
      : { ...certificate, cert: resolve(folder, certificate.cert), key: resolve(folder, certificate.key) },
  );
  return { ...listener, tls: { ...tls, certificates, ...resolveClientCertificates(tls, folder) } };
}

function resolveClientCertificates({ clientCertificates }: ListenerTlsConfiguration, folder: string): object {
  if (clientCertificates === undefined) return {};
  const { ca, crl } = clientCertificates;
  return {
    clientCertificates: {
      ...clientCertificates,
      ca: resolve(folder, ca),
      ...(crl !== undefined && { crl: resolve(folder, crl) }),
    },
  };
}

function resolveRoute(route: RouteConfiguration, folder: string): RouteConfiguration {
  const { to } = route;
  if (to.kind === 'files') return { ...route, to: { ...to, folder: resolve(folder, to.folder) } };
  if (to.kind !== 'aggregate' || to.answer.kind !== 'function') return route;
  return { ...route, to: { ...to, answer: { ...to.answer, file: resolve(folder, to.answer.file) } } };
}

function resolveService(service: ServiceConfiguration, folder: string): ServiceConfiguration {
  const { tls, discover, openapi } = service;
  const found = {
    ...(discover?.kind === 'file' && { discover: { ...discover, file: resolve(folder, discover.file) } }),
    ...(openapi !== undefined && { openapi: resolve(folder, openapi) }),
  };
  if (tls === undefined) return { ...service, ...found };
  return { ...service, ...found, tls: resolveClientTls(tls, folder) };
}

interface ClientTls {
  readonly ca?: string | undefined;
  readonly crl?: string | undefined;
  readonly certificate?: { readonly cert: string; readonly key: string } | undefined;
}

function resolveClientTls<Tls extends ClientTls>(tls: Tls, folder: string): Tls {
  const { ca, crl, certificate } = tls;
  return {
    ...tls,
    ...(ca !== undefined && { ca: resolve(folder, ca) }),
    ...(crl !== undefined && { crl: resolve(folder, crl) }),
    ...(certificate !== undefined && {
      certificate: { cert: resolve(folder, certificate.cert), key: resolve(folder, certificate.key) },
    }),
  };
}

/** The same map where nothing changes. */
function mapValues<Value>(entries: Record<string, Value>, change: (value: Value) => Value): Record<string, Value> {
  let changed: Record<string, Value> | undefined;
  for (const name of Object.keys(entries)) {
    const value = change(entries[name]!);
    if (value === entries[name]) continue;
    changed ??= { ...entries };
    changed[name] = value;
  }
  return changed ?? entries;
}
