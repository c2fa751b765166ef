import type { LogSettings } from '#config/access-log/access-log-schema.ts';
import type { Configuration, ServiceConfiguration } from '#config/configuration.ts';
import { type ConfigurationFiles, findNamedFiles } from './named-files.ts';

/** Data threads order no certificates, find no endpoints, answer no operator and send no logs: the secrets for this stay here. */
export function withoutControlSecrets(configuration: Configuration): Configuration {
  const { accessLog, acme, admin, services, tracing } = configuration;
  return {
    ...configuration,
    accessLog: accessLog === false ? false : { ...accessLog, logs: accessLog.logs.map(withoutHeaders) },
    ...(acme !== undefined && { acme: { ...acme, externalAccount: undefined } }),
    ...(admin !== undefined && { admin: { ...admin, token: undefined, tokens: {} } }),
    ...(tracing !== undefined && { tracing: { ...tracing, to: { ...tracing.to, headers: {} } } }),
    services: Object.fromEntries(Object.entries(services).map(([name, service]) => [name, withoutToken(service)])),
  };
}

/** They send nothing themselves. */
function withoutHeaders(log: LogSettings): LogSettings {
  return 'headers' in log.to ? { ...log, to: { ...log.to, headers: {} } } : log;
}

function withoutToken(service: ServiceConfiguration): ServiceConfiguration {
  const { discover } = service;
  return discover?.kind === 'consul' ? { ...service, discover: { ...discover, token: undefined } } : service;
}

/** The same of files: the private key of the admin address, where nothing else has it too. */
export function withoutControlFiles(configuration: Configuration, files: ConfigurationFiles): ConfigurationFiles {
  const path = configuration.admin?.tls?.key;
  if (path === undefined || findNamedFiles({ ...configuration, admin: undefined }).some((file) => file.path === path))
    return files;
  const { [path]: _, ...texts } = files.texts;
  return { ...files, texts };
}
