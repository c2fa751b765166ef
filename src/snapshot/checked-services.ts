import type { Configuration, ServiceConfiguration } from '#config/configuration.ts';
import type { CheckedServices } from '#services/health/health-checks.ts';
import type { HealthSettings, ProbeSettings } from '#services/health/health-settings.ts';
import { toServiceDefinition } from './compile.ts';

type HealthConfiguration = NonNullable<ServiceConfiguration['health']>;

/** The services whose endpoints are checked. */
export function toCheckedServices({ services }: Configuration, texts: Readonly<Record<string, string>>): CheckedServices {
  const checked: CheckedServices = new Map(
    Object.entries(services).flatMap(([name, service]) =>
      service.health === undefined
        ? []
        : [[name, { service: toServiceDefinition(name, service, texts), settings: toHealthSettings(service.health) }] as const],
    ),
  );
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
  if ('grpc' in health) return { kind: 'grpc', service: health.grpc.service, host, headers };
  const { method, path, expect } = health;
  return { kind: 'http', method, path, host, headers, statuses: expect.statuses, text: expect.text };
}
