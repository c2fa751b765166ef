import type { policyOrder } from '#policies/registry.ts';
import type { ConfigurationInput } from './configuration.ts';

/** What a user may write, with every policy that there is. */
export type GatewayInput = ConfigurationInput<typeof policyOrder>;

/** Gives `gatehouse.config.ts` its types: `export default defineGateway({ version: 1, … })`. */
export function defineGateway(gateway: GatewayInput): GatewayInput {
  return gateway;
}
