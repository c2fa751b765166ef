/** What is changed of answers of services, and of those that stand in for them. Errors of the gateway are left alone. */
import type { GatewayError } from '#base/errors.ts';
import type { AnswerStage } from '#http/answer-stage.ts';
import type { Exchange } from '#http/exchange.ts';
import { hasResponseBody, type Reply, type ResponseHead } from '#http/response.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import type { MappingScope } from '#pipeline/mapping/mapping-run.ts';
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import { RefusedAnswer } from '#pipeline/refused-answer.ts';
import { WholeAnswerStage } from '#pipeline/whole-answer.ts';
import { matchesStatus, type StatusPattern } from '#schema/status-pattern.ts';

import { getField, removeField, setField } from '#wire/fields/field-list.ts';
import { BodyConversion, type ChangeFault } from './body-change.ts';
import { explainFault } from './body-format.ts';
import type { BodyFormat, ResponseChanges } from './config.ts';
import { transformErrors } from './errors.ts';
import type { TransformState } from './exchange-state.ts';
import { PassingAnswer } from './passing-answer.ts';
import { rewriteAddresses } from './public-addresses.ts';
import { digestFields, isEncoded } from './request-side.ts';
import { SetCookieEdits } from './set-cookies.ts';

export class ResponseSide {
  readonly #status: ResponseChanges['status'];
  readonly #cookies: SetCookieEdits | undefined;
  /** The longest first; `undefined`: addresses stay. */
  readonly #replace: readonly (readonly [string, string])[] | undefined;
  readonly #conversion: BodyConversion | undefined;
  readonly #statuses: readonly StatusPattern[];
  readonly #refusesOthers: boolean;

  constructor({ status, location, cookies, body }: ResponseChanges) {
    this.#status = status;
    this.#cookies = cookies && new SetCookieEdits(cookies);
    this.#replace = location && Object.entries(location.replace).toSorted(([left], [right]) => right.length - left.length);
    this.#conversion = body && new BodyConversion(body, ['answer', 'body']);
    this.#statuses = body?.statuses ?? [];
    this.#refusesOthers = body?.otherTypes === 'refuse';
  }

  get changesBodies(): boolean {
    return this.#conversion !== undefined;
  }

  /** For each attempt: a body that is changed has to come as it is. */
  ask(state: TransformState, upstream: UpstreamRequest): void {
    if (upstream.purpose === 'mirror') return;
    state.serviceAuthority = upstream.authority;
    const question = upstream.target.indexOf('?');
    state.servicePath = question < 0 ? upstream.target : upstream.target.slice(0, question);
    if (this.#conversion === undefined) return;
    setField(upstream.fields, 'accept-encoding', 'identity');
  }

  /** For each attempt: a service names itself and sets its cookies. */
  receive(exchange: Exchange, state: TransformState, response: ResponseHead): void {
    this.#cookies?.apply(response.fields);
    if (this.#replace === undefined) return;
    const { scheme, authority, path } = exchange.request;
    const { serviceAuthority, servicePath } = state;
    const asked = { scheme, authority, path, serviceAuthority, servicePath, endpointUrl: exchange.endpointName };
    rewriteAddresses(response.fields, asked, this.#replace);
  }

  shapeHead(state: TransformState, response: ResponseHead): void {
    state.status = response.status;
    const change = this.#status?.find(({ from }) => matchesStatus(from, response.status));
    if (change !== undefined) response.status = change.to;
  }

  stage(exchange: Exchange, state: TransformState, response: ResponseHead): AnswerStage | undefined {
    const conversion = this.#conversion;
    const isMeant = this.#statuses.some((pattern) => matchesStatus(pattern, state.status));
    if (conversion === undefined || !isMeant || state.status === 204 || state.status === 304) return undefined;
    const contentType = getField(response.fields, 'content-type');
    const format = conversion.findFormat(contentType);
    // Nobody has asked for a part; passed on as it is, it could hold what the mapping leaves out. Several parts have a type of their own.
    if (state.status === 206 && (format !== undefined || isSeveralParts(contentType)))
      return new RefusedAnswer(exchange, transformErrors.unfitAnswer({ reason: 'it is a part' }));
    if (format === undefined)
      return this.#refusesOthers && response.contentLengthBytes !== 0
        ? new RefusedAnswer(exchange, transformErrors.otherAnswerType({ contentType }))
        : undefined;
    if (isEncoded(response.fields)) return new RefusedAnswer(exchange, transformErrors.encodedAnswer());
    if (!hasResponseBody(exchange.request.method, response.status)) {
      changeFields(response.fields, conversion.findNewType(format));
      response.contentLengthBytes = undefined;
      return undefined;
    }
    if (conversion.mayStream(format)) return passAnswer(exchange, state, conversion);
    return new WholeAnswerStage(exchange, {
      bytesMax: conversion.bytesMax,
      replace: (head, body) => this.#replaceBody(exchange, state, { conversion, format, head, body }),
      onTooLong: () => transformErrors.answerTooLarge({ bytesMax: conversion.bytesMax }),
    });
  }

  #replaceBody(exchange: Exchange, state: TransformState, answer: ReceivedAnswer): Reply | GatewayError {
    const { conversion, format, head, body } = answer;
    const changed = conversion.change(body, format, (root) => toScope(exchange, state, { head, root }));
    if ('kind' in changed) return toError(changed);
    const fields = [...head.fields];
    if (changed.bytes !== body) changeFields(fields, changed.contentType);
    return { status: head.status, fields, contentLengthBytes: changed.bytes.length, body: changed.bytes };
  }
}

interface ReceivedAnswer {
  readonly conversion: BodyConversion;
  readonly format: BodyFormat;
  readonly head: ResponseHead;
  readonly body: Buffer;
}

function passAnswer(exchange: Exchange, state: TransformState, conversion: BodyConversion): AnswerStage {
  return new PassingAnswer(exchange, {
    wrap(head) {
      const around = conversion.wrap((root) => toScope(exchange, state, { head, root }));
      return 'kind' in around ? toError(around) : around;
    },
    shapeHead: ({ fields }) => changeFields(fields, undefined),
    toError: (fault) => toError({ kind: 'invalid', text: explainFault(fault) }),
  });
}

function toScope(
  exchange: Exchange,
  state: TransformState,
  { head, root }: { head: ResponseHead; root: MappingValue },
): MappingScope {
  return {
    exchange,
    readJson: ([first]) => (first === 'answer' ? root : state.body),
    readText: (path) => (path[1] === 'status' ? state.status : getField(head.fields, path[2] ?? '')),
  };
}

/** RFC 9110 §14.6. */
function isSeveralParts(contentType: string | undefined): boolean {
  return contentType?.trimStart().toLowerCase().startsWith('multipart/byteranges') === true;
}

/** What was said about the bytes that the service sent does not hold any more. */
function changeFields(fields: string[], contentType: string | undefined): void {
  for (const name of digestFields) removeField(fields, name);
  removeField(fields, 'accept-ranges');
  // Those that it announces are left out.
  removeField(fields, 'trailer');
  const etag = getField(fields, 'etag');
  // RFC 9110 §8.8.1: other bytes need another strong validator; a weak one stands for what they mean.
  if (etag !== undefined && !etag.startsWith('W/')) setField(fields, 'etag', `W/${etag}`);
  if (contentType !== undefined) setField(fields, 'content-type', contentType);
}

function toError(fault: ChangeFault): GatewayError {
  switch (fault.kind) {
    case 'invalid':
      return transformErrors.invalidAnswer({ reason: fault.text });
    case 'unfit':
      return transformErrors.unfitAnswer({ reason: fault.text });
    case 'too-large':
      return transformErrors.answerTooLarge();
    default:
      return fault satisfies never;
  }
}
