/** What a listener serves TLS with, from its configuration and the files that it names. */
import { toAcmeFile } from '#config/acme-files.ts';
import type { Configuration, ListenerConfiguration, ListenerTlsConfiguration } from '#config/configuration.ts';
import type { ClientVerification, ServerCertificate, ServerCertificatesOptions } from '#net/server-certificates.ts';
import type { ConfigurationFiles } from './named-files.ts';

/** What is compared, to see whether anything has changed. */
export interface ListenerTlsDefinition extends ServerCertificatesOptions {
  readonly protocols: readonly string[];
}

/** `undefined` when the listener does not serve TLS. */
export function toListenerTlsDefinition(
  { tls, http2, tcp }: ListenerConfiguration,
  { acme }: Pick<Configuration, 'acme'>,
  files: ConfigurationFiles,
): ListenerTlsDefinition | undefined {
  if (tls === undefined) return undefined;
  const http = http2 === false ? ['http/1.1'] : ['h2', 'http/1.1'];
  return {
    certificates: tls.certificates.flatMap((certificate): ServerCertificate[] => {
      if (certificate.kind === 'file') {
        const { cert, key, hosts } = certificate;
        return [{ cert: files.texts[cert]!, key: files.texts[key]!, hosts: hosts?.map(({ source }) => source) }];
      }
      // The key and the chain stand in one file.
      const text = acme === undefined ? undefined : files.texts[toAcmeFile(acme, certificate.names)];
      return text === undefined ? [] : [{ cert: text, key: text, hosts: certificate.names }];
    }),
    policy: tls.policy,
    refusesUnknownHosts: tls.unknownHosts === 'refuse',
    clients: toClientVerification(tls, files),
    protocols: tcp === undefined ? http : [],
  };
}

function toClientVerification(
  { clientCertificates }: ListenerTlsConfiguration,
  { texts }: ConfigurationFiles,
): ClientVerification | undefined {
  if (clientCertificates === undefined) return undefined;
  const { mode, ca, crl, depth, onFailure } = clientCertificates;
  return {
    isRequired: mode === 'required',
    ca: texts[ca]!,
    crl: crl === undefined ? undefined : texts[crl],
    depthMax: depth,
    answersFailure: onFailure === 'answer',
  };
}
