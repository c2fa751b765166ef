/** What a call asks for, made of the request and of other answers. A value never becomes more than a value where it stands. */
import type { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import type { Exchange } from '#http/exchange.ts';
import { normaliseTarget } from '#http/target.ts';
import type { MappingProblem, MappingScope } from '#pipeline/mapping/mapping-run.ts';
import type { MappingReference } from '#schema/mapping-node.ts';
import { aggregateErrors } from './aggregate-errors.ts';
import type { CompiledCall, CompiledText } from './compiled-aggregate.ts';
import { joinPieces } from './join-pieces.ts';

export interface CallRequest {
  /** Path and query. */
  readonly target: string;
  /** The list may be changed. */
  readonly fields: string[];
  readonly body: Buffer | undefined;
}

/** What keeps the request from being made; the path of the reference whose value is missing, where that is it. */
export interface NoRequest {
  readonly error: GatewayError;
  readonly missing: readonly string[] | undefined;
}

/** RFC 3986 §3.3 and §6.2.2.2: they would lead out of where the path leads, also where the dots are encoded. */
const DOT_SEGMENT = /\/(?:\.|%2e){1,2}(?:\/|$)/i;
/** Without these a path cannot be read in two ways. */
const ENCODED_OR_PARAMETERS = /[%;]/;
/** Who follows a request through several services (W3C Trace Context) passes these on whatever the settings are. */
const TRACE_PARENT = 'traceparent';
const TRACE_STATE = 'tracestate';

export function toCallRequest(call: CompiledCall, scope: MappingScope): CallRequest | NoRequest {
  const path = renderPath(call, scope);
  if (typeof path !== 'string') return path;
  const body = renderBody(call, scope);
  if (body !== undefined && !Buffer.isBuffer(body)) return body;
  const query = renderQuery(call, scope);
  if (typeof query !== 'string') return query;
  const fields = [...call.fixedFields];
  forwardFields(scope.exchange, call.definition.forward, fields);
  return renderTexts(call.headers, scope, fields) ?? { target: path + query, fields, body };
}

function renderPath({ definition, path }: CompiledCall, scope: MappingScope): string | NoRequest {
  let text = '';
  for (const part of path) {
    if (typeof part === 'string') {
      text += part;
      continue;
    }
    const value = part.text.render(scope, 'path', limits.targetBytesMax);
    if (typeof value !== 'string' || value === '') return toMissing(part.reference);
    text += value;
  }
  const fault = findPathFault(text);
  if (fault === undefined) return text;
  return { error: aggregateErrors.missingValue({ reason: fault, path: definition.path.source }), missing: undefined };
}

/** What values make of a path is held to the same rules as a path that a client sends: services may decode slashes first, or drop `;x`. */
function findPathFault(path: string): string | undefined {
  if (DOT_SEGMENT.test(path)) return 'dotSegment';
  if (!ENCODED_OR_PARAMETERS.test(path)) return undefined;
  const normalised = normaliseTarget(path, 'GET');
  return typeof normalised === 'string' ? normalised : undefined;
}

function toMissing(reference: MappingReference): NoRequest {
  const isOfCall = (reference.shape === 'json' || reference.shape === 'text') && reference.root[0] === 'calls';
  const detail = { reference: reference.source };
  // An item is one of an answer's list.
  if (isOfCall || (reference.shape === 'json' && reference.root[0] === 'item'))
    return { error: aggregateErrors.missingValue(detail), missing: isOfCall ? reference.root : undefined };
  return { error: aggregateErrors.missingInput(detail, { publicDetail: reference.source }), missing: undefined };
}

function renderQuery({ query }: CompiledCall, scope: MappingScope): string | NoRequest {
  let text = '';
  for (let i = 0; i < query.length; i++) {
    const { name, text: value } = query[i]!;
    const rendered = value.render(scope, 'query', limits.targetBytesMax);
    if (typeof rendered !== 'string') return toUnusable(rendered);
    if (rendered !== '') text += `${text === '' ? '?' : '&'}${name}=${rendered}`;
  }
  return text;
}

/** What is wrong with one of them; they are added to `fields`. */
export function renderTexts(texts: readonly CompiledText[], scope: MappingScope, fields: string[]): NoRequest | undefined {
  for (let i = 0; i < texts.length; i++) {
    const { name, text } = texts[i]!;
    const rendered = text.render(scope, 'field', limits.headBytesMax);
    if (typeof rendered !== 'string') return toUnusable(rendered);
    if (rendered !== '') fields.push(name, rendered);
  }
  return undefined;
}

function toUnusable({ problem, at }: MappingProblem): NoRequest {
  return { error: aggregateErrors.missingValue({ reason: problem, reference: at }), missing: undefined };
}

function forwardFields({ request }: Exchange, forward: readonly string[], fields: string[]): void {
  const own = request.fields;
  for (let i = 0; i < own.length; i += 2) {
    const name = own[i]!;
    if (name === TRACE_PARENT || name === TRACE_STATE || forward.includes(name)) fields.push(name, own[i + 1]!);
  }
}

function renderBody({ body }: CompiledCall, scope: MappingScope): Buffer | NoRequest | undefined {
  if (body === undefined) return undefined;
  const result = body.run(scope, limits.aggregateBodyBytesMax);
  if (!('problem' in result)) return joinPieces(result.pieces);
  return toUnusable(result);
}
