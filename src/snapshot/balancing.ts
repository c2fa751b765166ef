import { createHash } from 'node:crypto';
import type { ServiceConfiguration } from '#config/configuration.ts';
import type { AffinityDefinition, BalancingDefinition } from '#services/balancing/balancing-definition.ts';

/** `zone`: where the gateway stands. */
export function toBalancingDefinition(
  { balance, slowStart, affinity }: ServiceConfiguration,
  zone: string | undefined,
): BalancingDefinition {
  return { balance, slowStartMs: slowStart, zone, affinity: affinity && toAffinityDefinition(affinity) };
}

function toAffinityDefinition({
  cookie,
  secret,
  ttl,
  path,
  sameSite,
}: NonNullable<ServiceConfiguration['affinity']>): AffinityDefinition {
  const fingerprint = createHash('sha256').update(secret.reveal()).digest('base64url');
  return { cookie, secret, fingerprint, ttlMs: ttl, path, sameSite };
}
