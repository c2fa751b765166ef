/** Services as threads know them, from the configuration and the files that it names. */
import type { ServiceConfiguration } from '#config/configuration.ts';
import type { DialTls } from '#net/dial.ts';
import type { ServiceDefinition } from '#services/service-definition.ts';
import { toOutlierSettings } from './outlier-settings.ts';

export function toServiceDefinition(
  name: string,
  service: ServiceConfiguration,
  texts: Readonly<Record<string, string>>,
): Omit<ServiceDefinition, 'balancing' | 'protection'> {
  const { timeouts, pool, protocol, proxyProtocol } = service;
  return {
    name,
    protocol,
    tls: toDialTls(service, texts),
    proxyProtocol,
    connectLimit: { ms: timeouts.connect, setting: `services.${name}.timeouts.connect` },
    pool: { connectionsMax: pool.connections, queueMax: pool.queue, queueTimeoutMs: pool.queueTimeout, idleMs: pool.idle },
    host: service.host,
    outliers: toOutlierSettings(service),
  };
}

function toDialTls(service: ServiceConfiguration, texts: Readonly<Record<string, string>>): DialTls {
  const { tls } = service;
  const certificate = tls?.certificate;
  return {
    serverName: tls?.serverName ?? findAskedName(service),
    ca: tls?.ca === undefined ? undefined : texts[tls.ca],
    crl: tls?.crl === undefined ? undefined : texts[tls.crl],
    certificate: certificate === undefined ? undefined : { cert: texts[certificate.cert]!, key: texts[certificate.key]! },
    isVerified: tls?.verify === undefined,
    protocols: tls?.alpn ?? [],
  };
}

/** Endpoints that are addresses of one name show certificates with that name. */
function findAskedName({ endpoints, discover }: ServiceConfiguration): string | undefined {
  return endpoints.length === 0 && discover?.kind === 'dns' && discover.type !== 'SRV' ? discover.name : undefined;
}
