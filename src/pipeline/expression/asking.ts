/** A request and whoever sends it, as expressions see them. */
import type { Claims, Consumer } from '#http/consumer.ts';
import type { ClientRequest } from '#http/exchange.ts';
import { decodeWhole } from '#http/query-parameter.ts';

/** Different parameters of a query, so that nobody decides how long an expression takes. */
const PARAMETERS_MAX = 256;

/** Ends an evaluation, which is then not true. The message holds nothing that a client sent. */
export class NotThere extends Error {
  override readonly name = 'NotThere';
}

export class AskingRequest {
  readonly #request: ClientRequest;

  constructor(request: ClientRequest) {
    this.#request = request;
  }

  get method(): string {
    return this.#request.method;
  }

  /** Normalised, as routes see it. */
  get path(): string {
    return this.#request.path;
  }

  /** The first value of each parameter, decoded. */
  get query(): ReadonlyMap<string, string> {
    const { query } = this.#request;
    const parameters = new Map<string, string>();
    if (query === '') return parameters;
    for (const pair of query.split('&')) {
      const equals = pair.indexOf('=');
      const name = decode(equals < 0 ? pair : pair.slice(0, equals));
      if (!parameters.has(name)) parameters.set(name, equals < 0 ? '' : decode(pair.slice(equals + 1)));
      if (parameters.size > PARAMETERS_MAX) throw new NotThere(`the query has more than ${PARAMETERS_MAX} parameters`);
    }
    return parameters;
  }

  /** Names in lower case; the values of a field that comes several times are joined. */
  get headers(): ReadonlyMap<string, string> {
    const { fields, authority } = this.#request;
    const headers = new Map([['host', authority]]);
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i]!;
      const before = headers.get(name);
      // RFC 9110 §5.3; cookies are joined in their own way (RFC 9113 §8.2.3).
      const value = before === undefined ? fields[i + 1]! : `${before}${name === 'cookie' ? '; ' : ', '}${fields[i + 1]!}`;
      headers.set(name, value);
    }
    return headers;
  }

  get host(): string {
    return this.#request.host;
  }

  get scheme(): string {
    return this.#request.scheme;
  }

  get clientAddress(): string {
    return this.#request.clientAddress;
  }

  get listener(): string {
    return this.#request.listener;
  }

  get protocol(): string {
    return this.#request.protocol;
  }
}

/** Equal to `null` when nobody is known to ask. */
export class AskingConsumer {
  readonly #consumer: Consumer | undefined;

  constructor(consumer: Consumer | undefined) {
    this.#consumer = consumer;
  }

  get isNobody(): boolean {
    return this.#consumer === undefined;
  }

  get name(): string {
    return this.#known.name;
  }

  get groups(): readonly string[] {
    return this.#known.groups;
  }

  get scopes(): readonly string[] {
    return this.#known.scopes;
  }

  get roles(): readonly string[] {
    return this.#known.roles;
  }

  get claims(): Claims {
    return this.#known.claims;
  }

  get #known(): Consumer {
    if (this.#consumer === undefined) throw new NotThere('no consumer');
    return this.#consumer;
  }
}

function decode(text: string): string {
  return decodeWhole(text.replaceAll('+', ' '));
}
