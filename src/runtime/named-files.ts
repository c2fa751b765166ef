/** The files that a configuration names and whose contents the data threads need: certificates, keys, authorities. */
import type { Configuration, ListenerTlsConfiguration, ServiceConfiguration } from '#config/configuration.ts';

/** Files that a configuration names, read by the control thread. */
export interface ConfigurationFiles {
  /** PEM texts by path. */
  readonly texts: Readonly<Record<string, string>>;
}

export interface NamedFile {
  readonly path: string;
  /** What it is for, as an operator would say it. */
  readonly role: string;
  /** What it must be by itself; a certificate and its key are looked at together. */
  readonly form?: 'authority' | 'revocation-list';
}

/** A certificate that is served or shown, and whose it is. */
export interface NamedPair {
  readonly cert: string;
  readonly key: string;
  readonly owner: string;
}

/** The paths of all files, to be watched. */
export function listNamedFiles(configuration: Configuration): string[] {
  return [...new Set(findNamedFiles(configuration).map(({ path }) => path))];
}

export function findNamedFiles(configuration: Configuration): NamedFile[] {
  const { acme, listeners, services } = configuration;
  const ofPairs = findPairs(configuration).flatMap(({ cert, key, owner }) => [
    { path: cert, role: `${owner}: the certificate` },
    { path: key, role: `${owner}: the private key` },
  ]);
  const ofListeners = Object.entries(listeners).flatMap(([name, { tls }]) => (tls === undefined ? [] : ofClients(name, tls)));
  const ofServices = Object.entries(services).flatMap(([name, service]) => ofService(name, service));
  return [...ofPairs, ...ofListeners, ...ofServices, ...ofVerification('`acme`', { ca: acme?.ca })];
}

export function findPairs({ listeners, services }: Configuration): NamedPair[] {
  const ofListeners = Object.entries(listeners).flatMap(([name, { tls }]) =>
    (tls?.certificates ?? []).flatMap((certificate) =>
      certificate.kind === 'acme' ? [] : [{ cert: certificate.cert, key: certificate.key, owner: `listener \`${name}\`` }],
    ),
  );
  const ofServices = Object.entries(services).flatMap(([name, { tls }]) =>
    tls?.certificate === undefined ? [] : [{ ...tls.certificate, owner: `service \`${name}\`` }],
  );
  return [...ofListeners, ...ofServices];
}

function ofClients(name: string, { clientCertificates }: ListenerTlsConfiguration): NamedFile[] {
  return clientCertificates === undefined ? [] : ofVerification(`listener \`${name}\``, clientCertificates);
}

function ofService(name: string, { tls }: ServiceConfiguration): NamedFile[] {
  return tls === undefined ? [] : ofVerification(`service \`${name}\``, tls);
}

function ofVerification(owner: string, { ca, crl }: { readonly ca?: string | undefined; readonly crl?: string | undefined }) {
  const files: NamedFile[] = [];
  if (ca !== undefined) files.push({ path: ca, role: `${owner}: the certificate authority`, form: 'authority' });
  if (crl !== undefined) files.push({ path: crl, role: `${owner}: the revocation list`, form: 'revocation-list' });
  return files;
}
