/**
 * What lines do not show: credentials, which are known by the names of the fields and parameters that they stand in or that policies
 * look for them in, and whatever the settings name. `[redacted]` stands in their place, so that it shows that something was there.
 */
import { isIP } from 'node:net';
import type { RedactSettings } from '#config/access-log/line-settings.ts';
import type { Exchange } from '#http/exchange.ts';
import { decodeWhole } from '#http/query-parameter.ts';
import { SecretNames } from '#http/secret-names.ts';
import { type LogField, toFieldText } from '#schema/log-field-names.ts';

export const REDACTED = '[redacted]';

/** These hold addresses, and with them the parameters of another request. */
const addressHeaders: ReadonlySet<string> = new Set([
  'referer',
  'location',
  'content-location',
  'x-original-url',
  'x-rewrite-url',
]);

export class Redactor {
  readonly #names: SecretNames;
  readonly #also: ReadonlySet<string>;
  readonly #not: ReadonlySet<string>;
  /** A query without any of this needs no closer look. */
  readonly #suspicious: RegExp;
  /** Names of captures whose values are not shown, in the path either. */
  readonly #captures: readonly string[];
  readonly #hidesTarget: boolean;
  readonly #hidesQuery: boolean;
  /** Whether something beyond queries and named headers is hidden. */
  readonly hidesPlainFields: boolean;

  constructor({ also, not }: RedactSettings = { also: [], not: [] }, names = new SecretNames()) {
    this.#names = names;
    this.#also = new Set(also.map(toKey));
    this.#not = new Set(not.map(toKey));
    const parameters = also.flatMap(({ kind, name }) => (kind === 'query' && name !== undefined ? [RegExp.escape(name)] : []));
    this.#suspicious = new RegExp([...names.parameterParts, ...parameters].join('|'), 'i');
    this.#captures = also.flatMap(({ kind, name }) => (kind === 'path' && name !== undefined ? [name] : []));
    this.#hidesTarget = this.#also.has('target') || this.#also.has('path');
    this.#hidesQuery = this.#also.has('query');
    this.hidesPlainFields = also.some(({ name }) => name === undefined);
  }

  /** Whether the value of a field is hidden as a whole. */
  hides(field: LogField): boolean {
    if (this.#also.has(toKey(field))) return field.kind !== 'client' && field.kind !== 'peer';
    const { kind, name } = field;
    if (name === undefined || this.#not.has(toKey(field))) return false;
    if (kind === 'query') return this.#names.isParameter(name);
    return (kind === 'request.header' || kind === 'response.header') && this.#names.isField(name);
  }

  /** Where the value is an address, its parameters are looked at. */
  showHeader(name: string, value: string): string {
    return addressHeaders.has(name) ? this.showUrl(value) : value;
  }

  /** An address, or path and query, without the values of parameters that are hidden. */
  showUrl(url: string): string {
    const hash = url.indexOf('#');
    if (hash < 0) return this.#hideParameters(url);
    // RFC 6749 §4.2.2: a login may give its tokens to the browser there.
    return `${this.#hideParameters(url.slice(0, hash))}#${this.#showPairs(url.slice(hash + 1))}`;
  }

  /** Something of paths is hidden, which a path that was made of one may hold too. */
  get hidesPath(): boolean {
    return this.#hidesTarget || this.#captures.length > 0;
  }

  /** What was asked for. */
  showTarget(exchange: Exchange): string {
    const { request } = exchange;
    if (this.#hidesTarget) return REDACTED;
    let target = exchange.shownTarget ?? request.target;
    if (request.query !== '') target = this.#hideParameters(target);
    return this.#captures.length === 0 ? target : this.#showCaptures(target, exchange);
  }

  showPath(exchange: Exchange): string {
    const target = this.showTarget(exchange);
    const question = target.indexOf('?');
    return question < 0 ? target : target.slice(0, question);
  }

  /** Without `?`; `undefined`: there is none. */
  showQuery(exchange: Exchange): string | undefined {
    if (exchange.request.query === '') return undefined;
    if (this.#hidesQuery || this.#also.has('target')) return REDACTED;
    const target = this.#hideParameters(exchange.shownTarget ?? exchange.request.target);
    const question = target.indexOf('?');
    return question < 0 ? undefined : target.slice(question + 1);
  }

  /** Where it is not to be shown whose address it is, the network is left. */
  showAddress(kind: 'client' | 'peer', address: string): string {
    return this.#also.has(kind) ? toNetwork(address) : address;
  }

  #hideParameters(target: string): string {
    const question = target.indexOf('?');
    if (question < 0) return target;
    if (this.#hidesQuery) return `${target.slice(0, question)}?${REDACTED}`;
    if (!this.#suspicious.test(target)) return target;
    return `${target.slice(0, question)}?${this.#showPairs(target.slice(question + 1))}`;
  }

  #showPairs(text: string): string {
    const pairs = text.split('&').map((pair) => this.#showPair(pair));
    return pairs.join('&');
  }

  #showPair(pair: string): string {
    const equals = pair.indexOf('=');
    if (equals < 0) return pair;
    const written = pair.slice(0, equals);
    const name = decodeWhole(written.replaceAll('+', ' '));
    return this.hides({ kind: 'query', name }) ? `${written}=${REDACTED}` : pair;
  }

  #showCaptures(target: string, { captureNames, captures }: Exchange): string {
    const hidden = captures.filter((value, i) => value !== '' && this.#captures.includes(captureNames[i]!));
    if (hidden.length === 0) return target;
    const question = target.indexOf('?');
    const path = question < 0 ? target : target.slice(0, question);
    return hidden.reduce(hideCapture, path) + target.slice(path.length);
  }
}

function hideCapture(path: string, capture: string): string {
  const segments = path.split('/');
  // One of a regular expression may be a part of a segment, or several of them.
  if (!segments.includes(capture)) return path.replaceAll(capture, REDACTED);
  return segments.map((segment) => (segment === capture ? REDACTED : segment)).join('/');
}

/** Names of parameters are compared without their case: services do the one or the other. */
function toKey(field: LogField): string {
  return field.kind === 'query' ? toFieldText(field).toLowerCase() : toFieldText(field);
}

/** A /24 of IPv4, a /48 of IPv6; of anything else nothing. */
function toNetwork(address: string): string {
  if (isIP(address) === 0) return REDACTED;
  const lastDot = address.lastIndexOf('.');
  if (!address.includes(':')) return `${address.slice(0, lastDot)}.0`;
  if (lastDot >= 0) return REDACTED;
  const [head = ''] = address.split('::');
  const groups = head.split(':');
  return `${groups.slice(0, 3).join(':')}::`;
}
