/** The files that a configuration names and whose contents the data threads need: certificates, keys, authorities, addresses. */

import type { LogSettings } from '#config/access-log/access-log-schema.ts';
import type { Configuration } from '#config/configuration.ts';
import type { IssuePath } from '#config/issue.ts';
import { type AddressListFile, findAddressListFiles } from '#config/policies/address-list-files.ts';
import { findContracts, type NamedContract } from '#config/policies/contracts.ts';
import { findPolicyFiles } from '#config/policies/policy-files.ts';
import { policyDefinitions } from '#policies/registry.ts';

import { listServiceDocuments } from './aggregate-documents.ts';
import { listFunctions } from './compose-functions.ts';

/** Files that a configuration names, read by the control thread. */
export interface ConfigurationFiles {
  /** PEM texts, and those that policies need, by path. */
  readonly texts: Readonly<Record<string, string>>;
  /** Lists of addresses by path, as `AddressRanges` reads them, in memory that all threads share. */
  readonly addressLists: Readonly<Record<string, SharedArrayBuffer>>;
  /** Which country addresses belong to, as `CountryTable` reads it, in such memory too. */
  readonly countries: SharedArrayBuffer | undefined;
  /** What policies compare messages with, as `ContractImage` reads it, by `toContractKey`. */
  readonly contracts: Readonly<Record<string, SharedArrayBuffer>>;
}

/** Of a configuration that names none. */
export const noFiles: ConfigurationFiles = { texts: {}, addressLists: {}, countries: undefined, contracts: {} };

export interface NamedFile {
  readonly path: string;
  /** What it is for, as an operator would say it. */
  readonly role: string;
  /** Where the configuration names it. */
  readonly at: IssuePath;
  /** What it must be by itself; a certificate and its key are looked at together. */
  readonly form?: 'authority' | 'revocation-list' | 'key-set' | undefined;
}

/** A certificate that is served or shown, and where the configuration names it. */
export interface NamedPair {
  readonly cert: string;
  readonly key: string;
  readonly at: IssuePath;
}

/** The paths of all files that are named in it, to be watched. */
export function listNamedFiles(configuration: Configuration): string[] {
  const { geo } = configuration;
  const named = [...findNamedFiles(configuration), ...findAddressLists(configuration)].map(({ path }) => path);
  named.push(...listServiceDocuments(configuration));
  for (const { source } of findNamedContracts(configuration)) if (source.form !== 'inline') named.push(source.file);
  return [...new Set(geo === undefined ? named : [...named, geo.database])];
}

/** Whether threads need more than the configuration itself: files, or schemas in it that are read like those. */
export function needsReading(configuration: Configuration): boolean {
  return listNamedFiles(configuration).length > 0 || findNamedContracts(configuration).length > 0;
}

/** Of the policies, wherever they stand. */
export function findAddressLists(configuration: Configuration): AddressListFile[] {
  return findAddressListFiles(configuration, policyDefinitions);
}

export function findNamedContracts(configuration: Configuration): NamedContract[] {
  return findContracts(configuration, policyDefinitions);
}

export function findNamedFiles(configuration: Configuration): NamedFile[] {
  const { acme, admin, listeners, log, services, stores, tracing } = configuration;
  const ofPairs = findPairs(configuration).flatMap(({ cert, key, at }) => [
    { path: cert, role: 'the certificate', at: [...at, 'cert'] },
    { path: key, role: 'the private key', at: [...at, 'key'] },
  ]);
  const ofListeners = Object.entries(listeners).flatMap(([name, { tls }]) =>
    ofVerification(['listeners', name, 'tls', 'clientCertificates'], tls?.clientCertificates),
  );
  const ofServices = Object.entries(services).flatMap(([name, { tls }]) => ofVerification(['services', name, 'tls'], tls));
  const ofAcme = ofVerification(['acme'], acme && { ca: acme.ca });
  const ofAdmin: NamedFile[] =
    admin?.tls?.clientCa === undefined
      ? []
      : [
          {
            path: admin.tls.clientCa,
            role: 'the certificate authority',
            at: ['admin', 'tls', 'clientCa'],
            form: 'authority',
          },
        ];
  const ofStores = ofVerification(['stores', 'redis'], stores?.redis && { ca: stores.redis.ca });
  const ofLogs = listLogs(configuration).flatMap(({ to }, i) => {
    const at = ['accessLog', 'to', i];
    if (to.kind === 'kafka') return ofVerification([...at, 'kafka', 'tls'], to.tls);
    return 'ca' in to ? ofVerification(at, { ca: to.ca }) : [];
  });
  const ofEvents = 'ca' in log.to ? ofVerification(['log', 'to'], { ca: log.to.ca }) : [];
  const ofTracing = ofVerification(['tracing', 'to'], { ca: tracing?.to.ca });
  const ofPolicies = findPolicyFiles(configuration, policyDefinitions).map((file) => ({ ...file, role: toRole(file.form) }));
  const ofFunctions = listFunctions(configuration).map(({ file, at }) => ({ path: file, role: 'the module', at }));
  return [
    ...ofPairs,
    ...ofListeners,
    ...ofServices,
    ...ofAdmin,
    ...ofPolicies,
    ...ofAcme,
    ...ofStores,
    ...ofLogs,
    ...ofEvents,
    ...ofTracing,
    ...ofFunctions,
  ];
}

function toRole(form: NamedFile['form']): string {
  return form === 'authority' ? 'the certificate authority' : form === 'key-set' ? 'the key set' : 'the file';
}

export function findPairs(configuration: Configuration): NamedPair[] {
  const { admin, listeners, services } = configuration;
  const ofListeners = Object.entries(listeners).flatMap(([name, { tls }]) =>
    (tls?.certificates ?? []).flatMap((certificate, i) => {
      if (certificate.kind === 'acme') return [];
      return [{ cert: certificate.cert, key: certificate.key, at: ['listeners', name, 'tls', 'certificates', i] }];
    }),
  );
  const ofServices = Object.entries(services).flatMap(([name, { tls }]) =>
    tls?.certificate === undefined ? [] : [{ ...tls.certificate, at: ['services', name, 'tls', 'certificate'] }],
  );
  const ofAdmin: NamedPair[] =
    admin?.tls === undefined ? [] : [{ cert: admin.tls.cert, key: admin.tls.key, at: ['admin', 'tls'] }];
  return [...ofListeners, ...ofServices, ...ofAdmin, ...findLogPairs(configuration)];
}

/** Those that are shown to where logs go. */
export function findLogPairs(configuration: Configuration): NamedPair[] {
  return listLogs(configuration).flatMap(({ to }, i) => {
    const certificate = to.kind === 'kafka' ? to.tls?.certificate : undefined;
    return certificate === undefined ? [] : [{ ...certificate, at: ['accessLog', 'to', i, 'kafka', 'tls', 'certificate'] }];
  });
}

function listLogs({ accessLog }: Configuration): readonly LogSettings[] {
  return accessLog === false ? [] : accessLog.logs;
}

function ofVerification(
  at: IssuePath,
  { ca, crl }: { readonly ca?: string | undefined; readonly crl?: string | undefined } = {},
): NamedFile[] {
  const files: NamedFile[] = [];
  if (ca !== undefined) files.push({ path: ca, role: 'the certificate authority', at: [...at, 'ca'], form: 'authority' });
  if (crl !== undefined) files.push({ path: crl, role: 'the revocation list', at: [...at, 'crl'], form: 'revocation-list' });
  return files;
}
