/** By what answers are found again. Everything that is read here is the client's choice, except who it is and where it came from. */
import type { Exchange } from '#http/exchange.ts';
import { LimitKeyReader } from '#pipeline/limit-key.ts';
import type { LimitKey } from '#schema/limit-key.ts';

/** No part of a partition holds one. */
const SEPARATOR = '\n';
/** Routes whose name has been joined with the place already; a gateway has not so many that one asks. */
const ROUTES_MAX = 10_000;

export interface KeySettings {
  readonly place: string;
  readonly key?: readonly LimitKey[] | undefined;
  readonly query?:
    | { readonly include?: readonly string[] | undefined; readonly exclude?: readonly string[] | undefined }
    | undefined;
  readonly perConsumer?: boolean | undefined;
}

export class AnswerKeys {
  readonly #settings: KeySettings;
  readonly #parts: LimitKeyReader | undefined;
  readonly #placeByRoute = new Map<string, string>();

  constructor(settings: KeySettings) {
    this.#settings = settings;
    this.#parts = settings.key && new LimitKeyReader(settings.key);
  }

  /** The address that was asked for, as far as it tells answers apart. */
  toUri({ request }: Exchange): string {
    const { query } = this.#settings;
    if (query === undefined || request.query === '') return toUri(request.scheme, request.authority, request.target);
    const kept = pickParameters(request.query, query);
    return toUri(request.scheme, request.authority, kept === '' ? request.path : `${request.path}?${kept}`);
  }

  /** All the rest. */
  toPartition(exchange: Exchange): string {
    const { request, consumer } = exchange;
    let partition = this.#findPlace(exchange.plan?.routeName ?? '');
    if (this.#parts !== undefined) partition += SEPARATOR + this.#parts.read(exchange);
    if (this.#settings.perConsumer === true && consumer !== undefined)
      partition += `${SEPARATOR}consumer ${encodeURIComponent(consumer.name.toWellFormed())}`;
    // A proxy that is trusted may have been asked for another host, which the service is told.
    const forwardedHost = request.forwardingFields.host;
    if (forwardedHost !== '' && forwardedHost !== request.authority) partition += `${SEPARATOR}host ${forwardedHost}`;
    return partition;
  }

  /** A configuration may match one address by several routes. */
  #findPlace(routeName: string): string {
    let place = this.#placeByRoute.get(routeName);
    if (place === undefined) {
      place = `${this.#settings.place} ${routeName}`;
      if (this.#placeByRoute.size < ROUTES_MAX) this.#placeByRoute.set(routeName, place);
    }
    return place;
  }
}

export function toUri(scheme: string, authority: string, target: string): string {
  return `${scheme}://${authority.toLowerCase()}${target}`;
}

/** An address on the same origin as `base`: of others, nobody here has anything to say (RFC 9111 §4.4). */
export function resolveHere(reference: string | undefined, base: string): string | undefined {
  const url = reference === undefined ? null : URL.parse(reference, base);
  if (url === null || url.origin !== URL.parse(base)?.origin) return undefined;
  const { protocol, host, pathname, search } = url;
  return toUri(protocol.slice(0, -1), host, pathname + search);
}

function pickParameters(query: string, { include, exclude }: NonNullable<KeySettings['query']>): string {
  const isKept = (parameter: string) => {
    const name = parameter.split('=', 1)[0]!;
    return include === undefined
      ? !exclude!.some((pattern) => isMeant(name, pattern))
      : include.some((pattern) => isMeant(name, pattern));
  };
  return query.split('&').filter(isKept).join('&');
}

function isMeant(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}
