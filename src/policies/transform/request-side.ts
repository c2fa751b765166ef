/** What is changed of requests: the body before the service is asked, the rest for each attempt. */
import { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { readRequestBody, replaceRequestBody } from '#http/request-body.ts';
import type { UpstreamRequest } from '#http/upstream-request.ts';
import { isDigestField, readContentCoding } from '#pipeline/content-coding/content-codings.ts';
import type { MappingScope } from '#pipeline/mapping/mapping-run.ts';
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import { TextMapping } from '#pipeline/mapping/text-mapping.ts';
import type { TemplatePlace } from '#pipeline/render-template.ts';
import { listReferences } from '#schema/mapping-node.ts';
import { getField, removeFields, removeLookalikes, setField } from '#wire/fields/field-list.ts';
import { JsonDocument } from '#wire/json/json-document.ts';
import { BodyConversion, type ChangeFault } from './body-change.ts';
import { findFormat, readBody } from './body-format.ts';
import type { NamedText, RequestChanges, TransformConfig } from './config.ts';
import { transformErrors } from './errors.ts';
import type { TransformState } from './exchange-state.ts';
import { editQuery } from './query.ts';
import { editCookies } from './request-cookies.ts';

/** Bytes of a body that is only looked into, and of all that is put into one parameter or cookie. */
const LOOKED_BYTES_MAX = 1024 * 1024;
const VALUE_LENGTH_MAX = 8 * 1024;

interface CompiledText {
  readonly name: string;
  readonly text: TextMapping;
}

export class RequestSide {
  readonly #conversion: BodyConversion | undefined;
  readonly #refusesOthers: boolean;
  readonly #parameters: readonly CompiledText[];
  readonly #cookies: readonly CompiledText[];
  readonly #queryEdits: { readonly rename: ReadonlyMap<string, string>; readonly remove: ReadonlySet<string> } | undefined;
  readonly #cookieEdits: { readonly rename: ReadonlyMap<string, string>; readonly remove: ReadonlySet<string> } | undefined;
  readonly #looksIntoBody: boolean;

  constructor({ request, response }: TransformConfig) {
    const { query, cookies, body } = request ?? {};
    const parameters = [...(query?.set ?? []), ...(query?.add ?? [])];
    this.#conversion = body && new BodyConversion(body, ['body']);
    this.#refusesOthers = body?.otherTypes === 'refuse';
    this.#parameters = parameters.map(compileText);
    this.#cookies = (cookies?.set ?? []).map(compileText);
    this.#queryEdits = query && toEdits(query);
    this.#cookieEdits = cookies && toEdits(cookies);
    const texts = [...parameters, ...(cookies?.set ?? [])].map(({ value }) => value);
    const ofAnswer = response?.body?.map;
    this.#looksIntoBody = [...texts, ...(ofAnswer === undefined ? [] : [ofAnswer])].some((one) =>
      listReferences(one).some((reference) => reference.shape === 'json' && reference.root[0] === 'body'),
    );
  }

  /** Whether anything is to be found out before the service is asked. */
  get hasHeadWork(): boolean {
    return this.#conversion !== undefined || this.#parameters.length > 0 || this.#cookies.length > 0 || this.#looksIntoBody;
  }

  /** A refusal, at once where no body has to come. */
  prepare(exchange: Exchange, state: TransformState): undefined | GatewayError | Promise<undefined | GatewayError> {
    const { request } = exchange;
    const contentType = getField(request.fields, 'content-type');
    if (!request.hasBody) return this.#renderValues(exchange, state);
    const isChanged = this.#conversion?.findFormat(contentType) !== undefined;
    const isLookedAt = this.#looksIntoBody && findFormat(contentType) === 'json';
    if (!isChanged && this.#refusesOthers)
      return transformErrors.otherType({ contentType }, { publicDetail: `the type is ${JSON.stringify(contentType ?? '')}` });
    if (!isChanged && !isLookedAt) return this.#renderValues(exchange, state);
    if (readContentCoding(request.fields) !== undefined) return transformErrors.encodedBody();
    return this.#takeBody(exchange, state, isLookedAt);
  }

  /** For each attempt. */
  shape(state: TransformState, upstream: UpstreamRequest): void {
    if (this.#queryEdits !== undefined) upstream.target = editQuery(upstream.target, this.#queryEdits, state.parameters);
    if (this.#cookieEdits !== undefined) editCookies(upstream.fields, this.#cookieEdits, state.cookies);
    if (!state.isBodyChanged) return;
    removeFields(upstream.fields, isDigestField);
    if (state.contentType === undefined) return;
    removeLookalikes(upstream.fields, 'content-type');
    setField(upstream.fields, 'content-type', state.contentType);
  }

  async #takeBody(exchange: Exchange, state: TransformState, isLookedAt: boolean): Promise<undefined | GatewayError> {
    const conversion = this.#conversion;
    const format = conversion?.findFormat(getField(exchange.request.fields, 'content-type'));
    const bytes = await readRequestBody(exchange, format === undefined ? LOOKED_BYTES_MAX : conversion!.bytesMax);
    if (bytes instanceof GatewayError) return bytes;
    if (isLookedAt) {
      const read = readBody(bytes, 'json');
      if (!(read instanceof JsonDocument)) return toError({ kind: 'invalid', text: read.fault });
      state.body = read.root;
    }
    const refusal = this.#renderValues(exchange, state);
    if (refusal !== undefined || format === undefined || conversion === undefined) return refusal;
    const changed = conversion.change(bytes, format, (body) => toScope(exchange, body));
    if ('kind' in changed) return toError(changed);
    if (changed.bytes === bytes) return undefined;
    replaceRequestBody(exchange, changed.bytes);
    state.isBodyChanged = true;
    state.contentType = changed.contentType;
    return undefined;
  }

  #renderValues(exchange: Exchange, state: TransformState): undefined | GatewayError {
    const scope = toScope(exchange, state.body);
    const parameters = renderAll(this.#parameters, scope, 'query');
    if (parameters instanceof GatewayError) return parameters;
    const cookies = renderAll(this.#cookies, scope, 'text');
    if (cookies instanceof GatewayError) return cookies;
    state.parameters = parameters;
    state.cookies = cookies;
    return undefined;
  }
}

function compileText({ name, value }: NamedText): CompiledText {
  return { name, text: new TextMapping(value) };
}

function toEdits({ rename, remove, set }: Pick<NonNullable<RequestChanges['cookies']>, 'rename' | 'remove' | 'set'>) {
  return {
    rename: new Map(Object.entries(rename ?? {})),
    remove: new Set([...(remove ?? []), ...(set ?? []).map(({ name }) => name)]),
  };
}

/** Names and values in turn. */
function renderAll(texts: readonly CompiledText[], scope: MappingScope, place: TemplatePlace): readonly string[] | GatewayError {
  const rendered: string[] = [];
  for (const { name, text } of texts) {
    const value = text.render(scope, place, VALUE_LENGTH_MAX);
    if (typeof value !== 'string')
      return toError(value.problem === 'missing' ? { kind: 'unfit', text: `${value.at} is missing` } : { kind: 'too-large' });
    rendered.push(name, value);
  }
  return rendered;
}

function toScope(exchange: Exchange, body: MappingValue | undefined): MappingScope {
  return { exchange, readJson: () => body, readText: () => undefined };
}

function toError(fault: ChangeFault): GatewayError {
  switch (fault.kind) {
    case 'invalid':
      return transformErrors.invalidBody({ reason: fault.text }, { publicDetail: fault.text });
    case 'unfit':
      return transformErrors.unfitBody({ reason: fault.text }, { publicDetail: fault.text });
    case 'too-large':
      return transformErrors.bodyTooLarge();
    default:
      return fault satisfies never;
  }
}
