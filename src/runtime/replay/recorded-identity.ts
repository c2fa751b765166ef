/**
 * Who asked, as the recording tells it. A recording holds no credentials, so those policies that find out who asks have nothing to
 * look at: each says what it said when the exchange was recorded.
 */
import type { ErrorFactory, GatewayError } from '#base/errors.ts';
import { toPlainConsumer } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import type { PolicyDefinition, PolicyPhases, PolicyServices } from '#pipeline/policy.ts';
import { identityPolicies, policyOrder } from '#policies/registry.ts';
import type { RecordedExchange } from '#telemetry/recording/recorded-exchange.ts';

const identityNames: ReadonlySet<string> = new Set([...identityPolicies.map(({ name }) => name), 'any-of']);
const UNAUTHENTICATED = 401;

/** All policies, as they run when recorded exchanges are replayed. */
export function createReplayedPolicies(findRecorded: (exchange: Exchange) => RecordedExchange | undefined): PolicyDefinition[] {
  const policies: readonly PolicyDefinition[] = policyOrder;
  // Copies for mirrors would be answered from what the service itself has said.
  const decisive = policies.filter(({ name }) => name !== 'mirror');
  return decisive.map((policy) =>
    identityNames.has(policy.name)
      ? { ...policy, create: (_, services) => toRecordedPhases(policy, services, findRecorded) }
      : policy,
  );
}

function toRecordedPhases(
  { name, errors }: PolicyDefinition,
  { consumers }: PolicyServices,
  findRecorded: (exchange: Exchange) => RecordedExchange | undefined,
): PolicyPhases {
  return {
    requestHead(exchange) {
      const decision = findRecorded(exchange)?.decision;
      const step = decision?.policies.find(({ policy }) => policy === name);
      if (step?.decision === 'refuse') return toRefusal(errors, step.code);
      const recorded = decision?.consumer;
      if (recorded !== undefined) {
        const known = consumers.find(recorded.name) ?? toPlainConsumer(recorded.name, recorded.groups);
        const consumer = { ...known, scopes: recorded.scopes, roles: recorded.roles };
        return consumers.admit(exchange, consumer) ? undefined : toRefusal(errors, undefined);
      }
      // It let the request pass without knowing who asks.
      return step === undefined ? toRefusal(errors, undefined) : undefined;
    },
  };
}

/** Whoever was not asked before has been shown nothing that counts. */
function toRefusal(errors: Readonly<Record<string, ErrorFactory>>, code: string | undefined): GatewayError | undefined {
  const all = Object.values(errors);
  const same = all.find(({ kind }) => kind.code === code);
  return (same ?? all.find(({ kind }) => kind.status === UNAUTHENTICATED) ?? all[0])?.();
}
