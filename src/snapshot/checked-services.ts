import type { Configuration, ServiceConfiguration } from '#config/configuration.ts';
import type { CheckedService } from '#services/health/endpoint-probe.ts';
import type { CheckedServices } from '#services/health/health-checks.ts';
import type { HealthSettings, ProbeSettings } from '#services/health/health-settings.ts';
import { toServiceDefinition } from './service-definitions.ts';

type HealthConfiguration = NonNullable<ServiceConfiguration['health']>;

/** The services whose endpoints are checked. */
export function toCheckedServices({ services }: Configuration, texts: Readonly<Record<string, string>>): CheckedServices {
  const checked = new Map<string, CheckedService>();
  for (const [name, service] of Object.entries(services)) {
    if (service.health === undefined) continue;
    // Not the whole definition: what does not matter to checks does not begin them anew.
    const { protocol, tls, proxyProtocol, host } = toServiceDefinition(name, service, texts);
    checked.set(name, { service: { name, protocol, tls, proxyProtocol, host }, settings: toHealthSettings(service.health) });
  }
  return checked;
}

function toHealthSettings(health: HealthConfiguration): HealthSettings {
  return {
    probe: toProbeSettings(health),
    everyMs: health.every,
    timeoutMs: health.timeout,
    unhealthyAfter: health.unhealthyAfter,
    healthyAfter: health.healthyAfter,
    port: health.port,
  };
}

function toProbeSettings(health: HealthConfiguration): ProbeSettings {
  if ('tcp' in health) return { kind: 'tcp' };
  const { host, headers = {} } = health;
  if ('grpc' in health) return { kind: 'grpc', service: health.grpc.service ?? '', host, headers };
  const { method, path, expect } = health;
  return { kind: 'http', method, path, host, headers, statuses: expect.statuses, text: expect.text };
}
