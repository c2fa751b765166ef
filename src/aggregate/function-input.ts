/** What a function that composes an answer is given: nothing of it is made before it is asked for. */
import type { CallOutcome, Exchange } from '#http/exchange.ts';
import { decodeWhole } from '#http/query-parameter.ts';
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import { getField } from '#wire/fields/field-list.ts';
import { JsonValue } from '#wire/json/json-value.ts';
import type { CallResult } from './aggregate-context.ts';
import {
  type ComposedCall,
  ComposedReply,
  type ComposeInput,
  type ComposeRequest,
  type ReplySettings,
} from './compose-function.ts';

export class FunctionInput implements ComposeInput {
  readonly calls: Readonly<Record<string, ComposedCall>>;
  readonly request: ComposeRequest;

  constructor(exchange: Exchange, calls: readonly CallResult[], requestBody: MappingValue | undefined) {
    this.calls = Object.fromEntries(calls.map((call) => [call.name, new CallOfFunction(call)]));
    this.request = new RequestOfFunction(exchange, requestBody);
  }

  reply(body: unknown, settings: ReplySettings): ComposedReply {
    return new ComposedReply(body, settings);
  }
}

class CallOfFunction implements ComposedCall {
  readonly #call: CallResult;

  constructor(call: CallResult) {
    this.#call = call;
  }

  get outcome(): CallOutcome {
    return this.#call.outcome;
  }

  get status(): number {
    return this.#call.answerStatus ?? this.#call.status;
  }

  get body(): unknown {
    return toPlain(this.#call.body);
  }

  get text(): string | undefined {
    return toText(this.#call.body);
  }

  header(name: string): string | undefined {
    return this.#call.fields === undefined ? undefined : getField(this.#call.fields, name.toLowerCase());
  }
}

class RequestOfFunction implements ComposeRequest {
  readonly #exchange: Exchange;
  readonly #body: MappingValue | undefined;

  constructor(exchange: Exchange, body: MappingValue | undefined) {
    this.#exchange = exchange;
    this.#body = body;
  }

  get method(): string {
    return this.#exchange.request.method;
  }

  get path(): string {
    return this.#exchange.request.path;
  }

  get query(): string {
    return this.#exchange.request.query;
  }

  get params(): Readonly<Record<string, string>> {
    const { captureNames, captures } = this.#exchange;
    return Object.fromEntries(captureNames.map((name, i) => [name, decodeWhole(captures[i] ?? '')]));
  }

  get consumer(): string | undefined {
    return this.#exchange.consumer?.name;
  }

  get body(): unknown {
    return toPlain(this.#body);
  }

  header(name: string): string | undefined {
    return this.#exchange.field(name.toLowerCase());
  }
}

/** What `each` has made is a list of values that were read. */
function toPlain(value: MappingValue | undefined): unknown {
  if (value === undefined) return undefined;
  return value instanceof JsonValue ? value.parse() : (value.items() ?? []).map(toPlain);
}

function toText(value: MappingValue | undefined): string | undefined {
  if (value === undefined) return undefined;
  return value instanceof JsonValue ? value.bytes.toString() : `[${(value.items() ?? []).map(toText).join()}]`;
}
