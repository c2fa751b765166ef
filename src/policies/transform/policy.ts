import { definePolicy } from '#pipeline/policy.ts';
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
      ...(request.hasHeadWork && {
        requestHead(exchange) {
          const state = new TransformState();
          exchange.set(transformSlot, state);
          return request.prepare(exchange, state);
        },
      }),
      upstreamRequest(exchange, upstream) {
        let state = exchange.get(transformSlot);
        if (state === undefined) {
          state = new TransformState();
          exchange.set(transformSlot, state);
        }
        request.shape(state, upstream);
        response?.ask(state, upstream);
      },
      ...(response && {
        upstreamResponseHead(exchange, head) {
          const state = exchange.get(transformSlot);
          if (state !== undefined) response.receive(exchange, state, head);
        },
        responseHead(exchange, head) {
          const state = exchange.get(transformSlot);
          if (exchange.error === undefined && state !== undefined) response.shapeHead(state, head);
        },
        answerStage(exchange, head) {
          const state = exchange.get(transformSlot);
          if (exchange.error !== undefined || state === undefined || state.status === 0) return undefined;
          return response.stage(exchange, state, head);
        },
      }),
    };
  },
});

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
