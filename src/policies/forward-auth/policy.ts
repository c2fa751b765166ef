import type { ErrorDetail } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import type { Decision } from '#pipeline/external-decision/decision.ts';
import { createDecisionPhases } from '#pipeline/external-decision/decision-phases.ts';
import { pickFields } from '#pipeline/external-decision/pick-fields.ts';
import { definePolicy } from '#pipeline/policy.ts';
import type { ServiceAnswer, ServiceRequest } from '#pipeline/service-call.ts';
import { toForwardedQuery } from '#pipeline/shown-credential.ts';
import { isConsumerName } from '#pipeline/token-consumer.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import type { ForwardAuthConfig } from './config.ts';
import { forwardAuthErrors } from './errors.ts';

/** The answers of a service that refuses: who asks has to show something, may not do this, or has to go elsewhere first. */
const REFUSING = new Set([301, 302, 303, 307, 308, 401, 403]);

/** Has a service decide whether a request may pass, as `auth_request` of nginx does. */
export const forwardAuthPolicy = definePolicy({
  name: 'forward-auth',
  summary: 'Asks a service by HTTP whether a request may pass.',
  loadConfig: async () => (await import('./config.ts')).forwardAuthConfig,
  serviceSettings: ['service'],
  errors: forwardAuthErrors,
  describe: ({ service, path, mode }) => `${service} at ${path}${mode === 'report' ? ' (only reported)' : ''}`,
  create(config, services) {
    const { forward, answer, consumer } = config;
    const making = {
      policy: 'forward-auth',
      ownFields: consumer === undefined ? forward : [...forward, consumer],
      toRefused: (detail: ErrorDetail) => forwardAuthErrors.denied(detail),
      shapesAnswers: answer.length > 0,
      toUnavailable: (detail: ErrorDetail) => forwardAuthErrors.unavailable(detail),
      toRequest: (exchange: Exchange) => toRequest(exchange, config),
      toDecision: (answer: ServiceAnswer) => toDecision(answer, config),
    };
    return createDecisionPhases(config, making, services);
  },
});

/** The gateway's own forwarding fields tell host, scheme and address; a client's are never among those that are sent. */
function toRequest(exchange: Exchange, { method, path, send, timeout, maxAnswer }: ForwardAuthConfig): ServiceRequest {
  const { request } = exchange;
  const query = toForwardedQuery(exchange);
  const asked = query === '' ? request.path : `${request.path}?${query}`;
  return {
    method,
    target: path,
    fields: ['x-forwarded-method', request.method, 'x-forwarded-uri', asked, ...pickFields(request.fields, send)],
    authority: request.authority,
    isRepeatable: true,
    limit: { ms: timeout, setting: 'forward-auth.timeout' },
    answerBytesMax: maxAnswer,
  };
}

function toDecision({ status, fields, body }: ServiceAnswer, config: ForwardAuthConfig): Decision {
  if (status >= 200 && status < 300) return toAllowed(fields, config);
  const detail = { service: config.service, answered: status };
  if (!REFUSING.has(status)) return { kind: 'undecided', detail: { reason: 'status', ...detail } };
  const reply = { status, fields: pickFields(fields, config.reply), contentLengthBytes: body.length, body };
  // A client of gRPC can follow no redirect.
  const error = forwardAuthErrors.denied(detail, { status: status < 400 ? 403 : status });
  return { kind: 'denied', error, reply };
}

function toAllowed(fields: readonly string[], { forward, answer, consumer: field }: ForwardAuthConfig): Decision {
  const taken = { fields: pickFields(fields, forward), answerFields: pickFields(fields, answer) };
  const names = field === undefined ? [] : getFieldValues(fields, field);
  // A service may let people pass that it does not know.
  if (names.length === 0) return { kind: 'allowed', ...taken, asker: undefined };
  if (names.length === 1 && isConsumerName(names[0])) return { kind: 'allowed', ...taken, asker: names[0] };
  return { kind: 'undecided', detail: { reason: 'no name of a consumer', field } };
}
