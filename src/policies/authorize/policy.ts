import type { GatewayError } from '#base/errors.ts';
import type { Consumer } from '#http/consumer.ts';
import { definePolicy } from '#pipeline/policy.ts';
import type { AuthorizeConfig } from './config.ts';
import { authorizeErrors } from './errors.ts';

/** Lets those pass who may do this: consumers by name, or by group. */
export const authorizePolicy = definePolicy({
  name: 'authorize',
  summary: 'Lets pass only the consumers, or the groups of consumers, that are named.',
  loadConfig: async () => (await import('./config.ts')).authorizeConfig,
  consumerSettings: ['consumers'],
  errors: authorizeErrors,
  describe: describeRule,
  create({ consumers, groups, mode }) {
    const allowedNames = consumers && new Set(consumers);
    const allowedGroups = groups && new Set(groups);
    const isEnforced = mode === 'enforce';
    const findReason = (consumer: Consumer | undefined): string | undefined => {
      if (consumer === undefined) return 'no consumer';
      if (allowedNames?.has(consumer.name) === false) return 'consumer';
      return allowedGroups !== undefined && !consumer.groups.some((group) => allowedGroups.has(group)) ? 'group' : undefined;
    };
    return {
      requestHead(exchange): GatewayError | undefined {
        const { consumer } = exchange;
        const reason = findReason(consumer);
        if (reason === undefined) return undefined;
        const error = authorizeErrors.denied({ reason, consumer: consumer?.name });
        if (isEnforced) return error;
        exchange.reported = error;
        return undefined;
      },
    };
  },
});

function describeRule({ consumers, groups, mode }: AuthorizeConfig): string {
  const rules = [
    ...(consumers === undefined ? [] : [`consumer ${consumers.join(' or ')}`]),
    ...(groups === undefined ? [] : [`group ${groups.join(' or ')}`]),
  ];
  return `${rules.join(', and ')}${mode === 'report' ? ' (only reported)' : ''}`;
}
