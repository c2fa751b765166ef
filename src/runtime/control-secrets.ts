import type { Configuration, ServiceConfiguration } from '#config/configuration.ts';

/** Data threads order no certificates, find no endpoints and answer no operator: the secrets for this stay here. */
export function withoutControlSecrets(configuration: Configuration): Configuration {
  const { acme, admin, services } = configuration;
  return {
    ...configuration,
    ...(acme !== undefined && { acme: { ...acme, externalAccount: undefined } }),
    ...(admin !== undefined && { admin: { ...admin, token: undefined, tokens: {} } }),
    services: Object.fromEntries(Object.entries(services).map(([name, service]) => [name, withoutToken(service)])),
  };
}

function withoutToken(service: ServiceConfiguration): ServiceConfiguration {
  const { discover } = service;
  return discover?.kind === 'consul' ? { ...service, discover: { ...discover, token: undefined } } : service;
}
