import type { ErrorDetail } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { createDecisionPhases } from '#pipeline/external-decision/decision-phases.ts';
import { definePolicy } from '#pipeline/policy.ts';
import type { ServiceAnswer } from '#pipeline/service-call.ts';
import { opaErrors } from './errors.ts';
import { toOpaDecision } from './opa-decision.ts';
import { toOpaRequest } from './opa-request.ts';

/** Has an Open Policy Agent decide whether a request may pass. */
export const opaPolicy = definePolicy({
  name: 'opa',
  summary: 'Asks an Open Policy Agent by its data API whether a request may pass.',
  loadConfig: async () => (await import('./config.ts')).opaConfig,
  serviceSettings: ['service'],
  errors: opaErrors,
  describe: ({ service, path, mode }) => `${service} at ${path}${mode === 'report' ? ' (only reported)' : ''}`,
  create(config, services) {
    const making = {
      policy: 'opa',
      toRefused: (detail: ErrorDetail) => opaErrors.denied(detail),
      toUnavailable: (detail: ErrorDetail) => opaErrors.unavailable(detail),
      ownFields: config.forward,
      toRequest: (exchange: Exchange) => toOpaRequest(exchange, config),
      toDecision: (answer: ServiceAnswer) => toOpaDecision(answer, config),
    };
    return createDecisionPhases(config, making, services);
  },
});
