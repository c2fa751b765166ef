/** Which exchanges an operator wants to see while they happen. */
import { AddressSet } from '#base/address-set.ts';
import { parseCidr } from '#base/ip.ts';
import type { ClientRequest, Exchange } from './exchange.ts';

/** As it is written; what is not given lets everything through. */
export interface TapFilter {
  readonly route?: string | undefined;
  readonly service?: string | undefined;
  /** `404`, `5xx`, `500-504`, or several with commas. */
  readonly status?: string | undefined;
  readonly method?: string | undefined;
  /** `/orders/*` for everything below, `/orders/:id` for one segment. */
  readonly path?: string | undefined;
  /** An address or a block of them. */
  readonly client?: string | undefined;
  /** Of those that match: from 0 to 1. */
  readonly sample?: number | undefined;
}

export type TapFilterMistake = { readonly field: keyof TapFilter; readonly problem: string };

/** The first thing that is wrong with a filter; `undefined`: nothing is. */
export function findTapMistake({ status, path, client, sample }: TapFilter): TapFilterMistake | undefined {
  if (status !== undefined && parseStatuses(status) === undefined)
    return { field: 'status', problem: `${JSON.stringify(status)} is no status; write one such as 404, 5xx, 500-504 or 404,5xx` };
  if (path !== undefined && !path.startsWith('/'))
    return { field: 'path', problem: `${JSON.stringify(path)} is no path; write one such as /orders/* or /orders/:id` };
  if (client !== undefined && parseCidr(client) === undefined)
    return { field: 'client', problem: `${JSON.stringify(client)} is no address; write one such as 10.0.0.7 or 10.0.0.0/8` };
  if (sample !== undefined && !(sample > 0 && sample <= 1))
    return { field: 'sample', problem: `${sample} is no share; write one above 0 and up to 1` };
  return undefined;
}

type TappedRequest = Pick<ClientRequest, 'method' | 'path' | 'clientAddress'>;
type TappedExchange = Pick<Exchange, 'plan' | 'serviceName' | 'status'> & { readonly request: TappedRequest };

/** A filter that is made ready; there is nothing wrong with it. */
export class CompiledTapFilter {
  readonly #filter: TapFilter;
  readonly #methods: ReadonlySet<string> | undefined;
  readonly #segments: readonly string[] | undefined;
  readonly #clients: AddressSet | undefined;
  readonly #statuses: readonly StatusRange[] | undefined;

  constructor(filter: TapFilter) {
    const { method, path, client, status } = filter;
    this.#filter = filter;
    this.#methods =
      method === undefined
        ? undefined
        : new Set(
            method
              .toUpperCase()
              .split(',')
              .map((name) => name.trim()),
          );
    this.#segments = path?.split('/');
    const range = client === undefined ? undefined : parseCidr(client);
    this.#clients = range && new AddressSet([range]);
    this.#statuses = status === undefined ? undefined : parseStatuses(status);
  }

  /** Whether an exchange that begins may match. */
  mayMatch({ method, path, clientAddress }: TappedRequest): boolean {
    if (this.#methods?.has(method) === false || this.#clients?.has(clientAddress) === false) return false;
    return this.#segments === undefined || fitsPath(this.#segments, path);
  }

  /** Whether one that is over does. */
  matches({ request, plan, serviceName, status }: TappedExchange): boolean {
    const { route, service } = this.#filter;
    if (route !== undefined && plan?.routeName !== route) return false;
    if (service !== undefined && serviceName !== service) return false;
    if (this.#statuses?.some(({ first, last }) => status >= first && status <= last) === false) return false;
    return this.mayMatch(request);
  }
}

function fitsPath(pattern: readonly string[], path: string): boolean {
  const segments = path.split('/');
  for (const [i, wanted] of pattern.entries()) {
    // `/orders/*` is `/orders` too.
    if (wanted === '*' && i === pattern.length - 1) return true;
    const segment = segments[i];
    if (segment === undefined) return false;
    if (wanted === '*' || (wanted.startsWith(':') && segment !== '')) continue;
    if (wanted !== segment) return false;
  }
  return segments.length === pattern.length;
}

interface StatusRange {
  readonly first: number;
  readonly last: number;
}

function parseStatuses(text: string): StatusRange[] | undefined {
  const ranges = text.split(',').map(parseStatus);
  return ranges.some((range) => range === undefined) ? undefined : (ranges as StatusRange[]);
}

function parseStatus(text: string): StatusRange | undefined {
  const [, from, to] = /^([0-9]{3}|[1-5]xx)(?:-([0-9]{3}))?$/i.exec(text.trim()) ?? [];
  if (from === undefined || (to !== undefined && /xx/i.test(from))) return undefined;
  if (/xx/i.test(from)) return { first: 100 * Number(from[0]), last: 100 * Number(from[0]) + 99 };
  return { first: Number(from), last: Number(to ?? from) };
}
