import type { Exchange } from '#http/exchange.ts';
import { withFields } from '#http/request-body.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { hasField, removeField } from '#wire/fields/field-list.ts';
import type { BodyFormat, TransformConfig } from './config.ts';
import { transformErrors } from './errors.ts';
import { TransformState, transformSlot } from './exchange-state.ts';
import { RequestSide } from './request-side.ts';
import { ResponseSide } from './response-side.ts';
import { xmlLibrary } from './xml-library.ts';

/** Changes what the service receives and what it answers: query, cookies, body, status, addresses. */
export const transformPolicy = definePolicy({
  name: 'transform',
  summary: 'Changes query, cookies and bodies of requests, and status, addresses, cookies and bodies of answers.',
  loadConfig: async () => (await import('./config.ts')).transformConfig,
  errors: transformErrors,
  libraries: [{ library: xmlLibrary, isNeeded: usesXml }],
  describe: (config: TransformConfig) => describe(config),
  create(config) {
    const request = new RequestSide(config);
    const response = config.response && new ResponseSide(config.response);
    return {
      ...((request.hasHeadWork || response?.changesBodies === true) && {
        requestHead(exchange) {
          if (response?.changesBodies === true) askForWhole(exchange);
          return request.prepare(exchange, stateOf(exchange));
        },
      }),
      upstreamRequest(exchange, upstream) {
        const state = stateOf(exchange);
        request.shape(state, upstream);
        response?.ask(state, upstream);
      },
      ...(response && {
        upstreamResponseHead: (exchange, head) => response.receive(exchange, stateOf(exchange), head),
        responseHead(exchange, head) {
          if (exchange.error === undefined) response.shapeHead(stateOf(exchange), head);
        },
        answerStage: (exchange, head) =>
          exchange.error === undefined ? response.stage(exchange, stateOf(exchange), head) : undefined,
      }),
    };
  },
});

/**
 * RFC 9110 §14.2: who is asked for a part may answer with the whole. Done before anybody could answer, since a cache knows nothing of what
 * becomes of its answers.
 */
function askForWhole(exchange: Exchange): void {
  const { request } = exchange;
  if (request.hasBody || !hasField(request.fields, 'range')) return;
  const fields = [...request.fields];
  for (const name of ['range', 'if-range']) removeField(fields, name);
  exchange.request = withFields(request, fields);
}

function stateOf(exchange: Exchange): TransformState {
  let state = exchange.get(transformSlot);
  if (state === undefined) {
    state = new TransformState();
    exchange.set(transformSlot, state);
  }
  return state;
}

function usesXml({ request, response }: TransformConfig): boolean {
  return [request?.body, response?.body].some((body) => body?.to === 'xml' || body?.from.includes('xml'));
}

function describe({ request, response }: TransformConfig): string {
  const parts = [
    ...Object.entries(request ?? {}).flatMap(([part, changes]) =>
      changes === undefined ? [] : [`${part} of requests${toFormats(changes)}`],
    ),
    ...Object.entries(response ?? {}).flatMap(([part, changes]) =>
      changes === undefined ? [] : [`${part} of answers${toFormats(changes)}`],
    ),
  ];
  return `changes ${parts.join(', ')}`;
}

/** Of a body, what it is and becomes. */
function toFormats(changes: object): string {
  if (!('from' in changes) || !('to' in changes)) return '';
  const { from, to } = changes as { readonly from: readonly BodyFormat[]; readonly to: BodyFormat | undefined };
  return to === undefined ? ` (${from.join(', ')})` : ` (${from.join(', ')} to ${to})`;
}
