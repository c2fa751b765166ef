/** What stands in for a service: what it is asked, what it answers, and how its answers are written. */
import { parseDuration } from '#schema/duration-text.ts';
import { RehearsalMistake } from './rehearsal-mistake.ts';

/** What a service would have been sent. */
export interface SentRequest {
  readonly service: string;
  /** The URL of the endpoint. */
  readonly endpoint: string;
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** Without `?`. */
  readonly query: string;
  /** As the `Host` field says it. */
  readonly host: string;
  /** By lower-case name, those that tell of the client included; repeated fields are joined with commas. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What a service answers. Without a status it is 200; `json` and `text` bring their content type. */
export interface StubAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly json?: unknown;
  readonly text?: string;
  readonly body?: Uint8Array;
  readonly trailers?: Readonly<Record<string, string>>;
  /** How long it takes, such as `2s`; time passes at once. */
  readonly after?: string;
}

/**
 * A service that fails: nobody listens (`unreachable`), the connection is lost before an answer (`reset`) or in the middle of
 * it (`broken`), or no answer ever comes (`silent`).
 */
export type StubFailure = { readonly fails: 'unreachable' | 'reset' | 'broken' | 'silent'; readonly after?: string };

export type StubReply = StubAnswer | StubFailure;
export type StubFunction = (request: SentRequest) => StubReply | Promise<StubReply>;
/** By path (`/orders/5`), method and path (`POST /orders`), or either with `/*` at the end; the most specific one counts. */
export type StubMap = { readonly [pattern: `/${string}` | `${Uppercase<string>} /${string}`]: StubReply | StubFunction };
/** One answer for everything, a function, a map, or a list of answers one after the other, the last of which repeats. */
export type Stub = StubReply | StubFunction | StubMap | readonly (StubReply | StubFunction)[];

export interface ReadyAnswer {
  readonly status: number;
  readonly fields: string[];
  readonly body: Buffer;
  readonly trailers: readonly string[] | undefined;
  readonly afterMs: number;
  readonly fails: StubFailure['fails'] | undefined;
}

/** Makes one function of whatever a stub is written as. */
export function toStubFunction(stub: Stub): StubFunction {
  if (typeof stub === 'function') return stub;
  if (isList(stub)) return toSequence(stub);
  if (isMap(stub)) return toMapFunction(stub);
  return () => stub;
}

export function toReadyAnswer(reply: StubReply): ReadyAnswer {
  const afterMs = toMs(reply.after);
  if ('fails' in reply) return { status: 200, fields: [], body: empty, trailers: undefined, afterMs, fails: reply.fails };
  const { status = 200, headers = {}, trailers } = reply;
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === 'string' ? [value] : value).flatMap((one) => [name.toLowerCase(), one]),
  );
  const { body, type } = toBody(reply);
  if (type !== undefined && !fields.includes('content-type')) fields.push('content-type', type);
  return { status, fields, body, trailers: trailers && Object.entries(trailers).flat(), afterMs, fails: undefined };
}

const empty = Buffer.alloc(0);

function toBody({ json, text, body }: StubAnswer): { body: Buffer; type: string | undefined } {
  if (json !== undefined) return { body: Buffer.from(JSON.stringify(json)), type: 'application/json' };
  if (text !== undefined) return { body: Buffer.from(text), type: 'text/plain; charset=utf-8' };
  return { body: body === undefined ? empty : Buffer.from(body), type: undefined };
}

function toMs(after: string | undefined): number {
  if (after === undefined) return 0;
  const ms = parseDuration(after);
  if (ms === undefined)
    throw new RehearsalMistake(`\`after: ${JSON.stringify(after)}\` is not a duration; write one such as \`500ms\``);
  return ms;
}

function isList(stub: Stub): stub is readonly (StubReply | StubFunction)[] {
  return Array.isArray(stub);
}

function isMap(stub: StubReply | StubMap): stub is StubMap {
  const keys = Object.keys(stub);
  return keys.length > 0 && keys.every((key) => key.includes('/'));
}

function toSequence(list: readonly (StubReply | StubFunction)[]): StubFunction {
  let next = 0;
  return (request) => {
    const reply = list[Math.min(next, list.length - 1)];
    next += 1;
    if (reply === undefined) throw new RehearsalMistake('a list of answers of a stub is empty');
    return typeof reply === 'function' ? reply(request) : reply;
  };
}

function toMapFunction(map: StubMap): StubFunction {
  const entries = Object.entries(map).map(([pattern, reply]) => ({ ...readPattern(pattern), reply }));
  return (request) => {
    const fitting = entries.filter(({ method, path, isPrefix }) => {
      if (method !== undefined && method !== request.method) return false;
      return request.path === path || (isPrefix && request.path.startsWith(`${path}/`));
    });
    const best = fitting.toSorted(compareSpecificity)[0];
    if (best === undefined) return { status: 404, json: { error: `the stub has no ${request.method} ${request.path}` } };
    return typeof best.reply === 'function' ? best.reply(request) : best.reply;
  };
}

interface StubPattern {
  readonly method: string | undefined;
  readonly path: string;
  readonly isPrefix: boolean;
}

function readPattern(pattern: string): StubPattern {
  const space = pattern.indexOf(' ');
  const path = pattern.slice(space + 1);
  const isPrefix = path.endsWith('/*');
  return { method: space < 0 ? undefined : pattern.slice(0, space), path: isPrefix ? path.slice(0, -2) : path, isPrefix };
}

function compareSpecificity(one: StubPattern, other: StubPattern): number {
  return (
    Number(one.isPrefix) - Number(other.isPrefix) ||
    other.path.length - one.path.length ||
    Number(one.method === undefined) - Number(other.method === undefined)
  );
}
