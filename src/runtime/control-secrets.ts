import type { LogSettings } from '#config/access-log/access-log-schema.ts';
import type { Configuration, ServiceConfiguration } from '#config/configuration.ts';
import { type ConfigurationFiles, findLogPairs, findNamedFiles } from './named-files.ts';

/** Data threads order no certificates, find no endpoints, answer no operator and send no logs: the secrets for this stay here. */
export function withoutControlSecrets(configuration: Configuration): Configuration {
  const { accessLog, acme, admin, services, tracing } = configuration;
  return {
    ...configuration,
    accessLog: accessLog === false ? false : { ...accessLog, logs: accessLog.logs.map(withoutLogSecrets) },
    ...(acme !== undefined && { acme: { ...acme, externalAccount: undefined } }),
    ...(admin !== undefined && { admin: { ...admin, token: undefined, tokens: {} } }),
    ...(tracing !== undefined && { tracing: { ...tracing, to: { ...tracing.to, headers: {} } } }),
    services: Object.fromEntries(Object.entries(services).map(([name, service]) => [name, withoutToken(service)])),
  };
}

/** They send nothing themselves. */
function withoutLogSecrets(log: LogSettings): LogSettings {
  const { to } = log;
  if (to.kind === 'kafka') return { ...log, to: { ...to, sasl: undefined } };
  return 'headers' in to ? { ...log, to: { ...to, headers: {} } } : log;
}

function withoutToken(service: ServiceConfiguration): ServiceConfiguration {
  const { discover } = service;
  return discover?.kind === 'consul' ? { ...service, discover: { ...discover, token: undefined } } : service;
}

/** The same of files: the private keys of the admin address and of logs, where nothing else has them too. */
export function withoutControlFiles(configuration: Configuration, files: ConfigurationFiles): ConfigurationFiles {
  const keys = findLogPairs(configuration).map(({ key }) => key);
  if (configuration.admin?.tls !== undefined) keys.push(configuration.admin.tls.key);
  if (keys.length === 0) return files;
  const others = new Set(findNamedFiles({ ...configuration, admin: undefined, accessLog: false }).map(({ path }) => path));
  const texts = Object.entries(files.texts).filter(([path]) => !keys.includes(path) || others.has(path));
  return { ...files, texts: Object.fromEntries(texts) };
}
