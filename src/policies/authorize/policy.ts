import type { GatewayError } from '#base/errors.ts';
import { hasShownToken } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import { ExchangeVariables } from '#pipeline/expression/exchange-variables.ts';
import type { ExpressionOutcome } from '#pipeline/expression/expression.ts';
import { expressionLibrary } from '#pipeline/expression/expression-library.ts';
import { needsPatterns, patternLibrary } from '#pipeline/expression/pattern-library.ts';
import { definePolicy, type PolicyPhases } from '#pipeline/policy.ts';
import type { AuthorizeConfig } from './config.ts';
import { ConsumerRules } from './consumer-rules.ts';
import { authorizeErrors } from './errors.ts';

/** Lets those pass who may do this: by who they are, by what their token says, and by what they ask for. */
export const authorizePolicy = definePolicy({
  name: 'authorize',
  summary: 'Lets pass only those who are named: consumers, groups, roles, scopes, claims, or whom an expression allows.',
  loadConfig: async () => (await import('./config.ts')).authorizeConfig,
  consumerSettings: ['consumers'],
  expressionSettings: ['expression'],
  libraries: [
    { library: expressionLibrary, isNeeded: ({ expression }) => expression !== undefined },
    { library: patternLibrary, isNeeded: ({ expression }) => expression !== undefined && needsPatterns(expression) },
  ],
  errors: authorizeErrors,
  describe: describeRules,
  create(config, { clock }): PolicyPhases {
    const { expression, mode } = config;
    const rules = namesConsumers(config) ? new ConsumerRules(config) : undefined;
    const challenge = toChallenge(config.scopes);
    const isEnforced = mode === 'enforce';
    const settle = (exchange: Exchange, error: GatewayError | undefined): GatewayError | undefined => {
      if (isEnforced || error === undefined) return error;
      exchange.reported ??= error;
      return undefined;
    };
    const judgeConsumer = ({ consumer }: Exchange): GatewayError | undefined => {
      const reason = rules?.findReason(consumer);
      if (reason === undefined) return undefined;
      const detail = { reason, consumer: consumer?.name };
      if (reason !== 'scope' || consumer === undefined || !hasShownToken(consumer)) return authorizeErrors.denied(detail);
      return authorizeErrors.insufficientScope(detail, { fields: challenge });
    };
    if (expression === undefined) return { requestHead: (exchange) => settle(exchange, judgeConsumer(exchange)) };
    const condition = expressionLibrary.module.compile(expression);
    return {
      requestHead(exchange) {
        const refusal = judgeConsumer(exchange);
        if (refusal !== undefined) return settle(exchange, refusal);
        return settle(exchange, toRefusal(exchange, condition(new ExchangeVariables(exchange, clock))));
      },
    };
  },
});

/** Whether it matters who asks. An expression may be about something else. */
function namesConsumers({ consumers, groups, roles, scopes, claims }: AuthorizeConfig): boolean {
  return [consumers, groups, roles, scopes, claims].some((rule) => rule !== undefined);
}

function toRefusal({ consumer }: Exchange, { isTrue, failure }: ExpressionOutcome): GatewayError | undefined {
  if (isTrue) return undefined;
  return authorizeErrors.denied({ reason: 'expression', consumer: consumer?.name, ...(failure !== undefined && { failure }) });
}

/** RFC 6750 §3.1: what the next token has to allow. */
function toChallenge(scopes: AuthorizeConfig['scopes']): readonly string[] {
  if (scopes === undefined) return [];
  const wanted = 'allOf' in scopes ? scopes.allOf.join(' ') : scopes.anyOf[0]!;
  return ['www-authenticate', `Bearer error="insufficient_scope", scope="${wanted}"`];
}

function describeRules({ consumers, groups, roles, scopes, claims, expression, mode }: AuthorizeConfig): string {
  const rules = [
    ...(consumers === undefined ? [] : [`consumer ${consumers.join(' or ')}`]),
    ...(groups === undefined ? [] : [`group ${groups.join(' or ')}`]),
    ...(roles === undefined ? [] : [`role ${roles.join(' or ')}`]),
    ...(scopes === undefined
      ? []
      : ['allOf' in scopes ? `scope ${scopes.allOf.join(' and ')}` : `scope ${scopes.anyOf.join(' or ')}`]),
    ...Object.entries(claims ?? {}).map(([name, values]) => `claim ${name} ${values.join(' or ')}`),
    ...(expression === undefined ? [] : [`expression \`${expression}\``]),
  ];
  return `${rules.join(', and ')}${mode === 'report' ? ' (only reported)' : ''}`;
}
