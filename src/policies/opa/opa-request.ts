/** What a policy of OPA is told about a request. */
import type { Exchange } from '#http/exchange.ts';
import { decodeWhole } from '#http/query-parameter.ts';
import { pickFields } from '#pipeline/external-decision/pick-fields.ts';
import type { ServiceRequest } from '#pipeline/service-call.ts';
import { toForwardedQuery } from '#pipeline/shown-credential.ts';
import type { OpaConfig } from './config.ts';

export function toOpaRequest(exchange: Exchange, { path, send, timeout, maxAnswer }: OpaConfig): ServiceRequest {
  return {
    method: 'POST',
    target: path,
    fields: ['content-type', 'application/json'],
    body: Buffer.from(JSON.stringify({ input: toInput(exchange, send) })),
    authority: exchange.request.authority,
    // A question changes nothing.
    isRepeatable: true,
    limit: { ms: timeout, setting: 'opa.timeout' },
    answerBytesMax: maxAnswer,
  };
}

function toInput(exchange: Exchange, send: readonly string[]): object {
  const { request, consumer, plan } = exchange;
  const { method, path, host, scheme, clientAddress, fields } = request;
  return {
    method,
    // Without the empty text before the first slash.
    path: path.split('/').slice(1).map(decodeWhole),
    query: gather(listParameters(toForwardedQuery(exchange))),
    headers: gather(pickFields(fields, send)),
    host,
    scheme,
    clientAddress,
    route: plan?.routeName ?? '',
    consumer: consumer === undefined ? null : toConsumerInput(consumer),
  };
}

function toConsumerInput({ name, groups, scopes, roles, claims }: NonNullable<Exchange['consumer']>): object {
  return { name, groups, scopes, roles, claims };
}

/** Names and values, alternating, decoded. */
function listParameters(query: string): string[] {
  if (query === '') return [];
  return query.split('&').flatMap((pair) => {
    const equals = pair.indexOf('=');
    const [name, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
    return [decode(name), decode(value)];
  });
}

function decode(text: string): string {
  return decodeWhole(text.replaceAll('+', ' '));
}

/** By name: all values. The names are the client's choice, and `Object.fromEntries` takes any. */
function gather(pairs: readonly string[]): Record<string, string[]> {
  const gathered = new Map<string, string[]>();
  for (let i = 0; i < pairs.length; i += 2) {
    const values = gathered.get(pairs[i]!);
    if (values === undefined) gathered.set(pairs[i]!, [pairs[i + 1]!]);
    else values.push(pairs[i + 1]!);
  }
  return Object.fromEntries(gathered);
}
