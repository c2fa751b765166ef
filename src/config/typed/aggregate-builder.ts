/**
 * Aggregates for configurations in TypeScript, with the types that documents of services give (`gatehouse types`). What comes out is
 * what would be written in YAML, and read as that.
 */
import type { z } from 'zod';
import type { writtenAggregate } from '../written-aggregate.ts';
import type { Condition } from './mapping-operators.ts';
import {
  createReference,
  createRequestText,
  type Given,
  type Mapped,
  type MissingIfOptional,
  type Ref,
  type Reference,
  type RequestText,
  toPlainMapping,
} from './reference.ts';

type AggregateInput = z.input<typeof writtenAggregate>;
type CallInput = AggregateInput['calls'][string];

/** What a text is made of: a field, a parameter, a segment. */
type TextPart = string | Reference<string | number | boolean | null | undefined>;

declare const bodyType: unique symbol;

/** A call as it is written, and what its answer has as its body. One that is written by hand has an unknown body. */
export type Call<Body> = CallInput & { readonly [bodyType]?: Body };

/** All that can be said about a call besides what the operation is asked for. */
export interface CallSettings
  extends Omit<CallInput, 'service' | 'method' | 'path' | 'query' | 'headers' | 'body' | 'each' | 'when'> {
  readonly when?: string | Condition;
  /** Fields that the document does not name, such as `authorization`. */
  readonly headers?: Readonly<Record<string, TextPart>>;
}

/** `undefined`: the answer has no JSON. */
type BodyOf<Answers, Settings> =
  | (Settings extends { readonly expect: unknown } ? Answers[keyof Answers] : GoodBody<Answers>)
  | MissingBody<Settings>;

type GoodBody<Answers> = [GoodStatus<keyof Answers>] extends [never]
  ? Answers extends { readonly default: infer Body }
    ? Body
    : unknown
  : Answers[GoodStatus<keyof Answers>];

type GoodStatus<Status> = Status extends string | number ? (`${Status}` extends `2${string}` ? Status : never) : never;

/** What stands in for the answer of a call that has failed, or was not made. */
type MissingBody<Settings> =
  | (Settings extends { readonly when: unknown } ? undefined : never)
  | (Settings extends { readonly optional: { readonly value: infer Value } }
      ? Value
      : Settings extends { readonly optional: true | object }
        ? undefined
        : never);

/** An operation of a service: its parameters, its JSON answers by status, and the JSON body that it takes. */
export type Operation<Parameters, Answers, Body = undefined> = <const Settings extends CallSettings>(
  ...given: object extends GivenParameters<Parameters, Body>
    ? [given?: GivenParameters<Parameters, Body>, settings?: Settings]
    : [given: GivenParameters<Parameters, Body>, settings?: Settings]
) => Call<BodyOf<Answers, Settings>>;

type GivenParameters<Parameters, Body> = {
  readonly [Name in keyof Parameters]: GivenText<Parameters[Name] | MissingIfOptional<Parameters, Name>>;
} & ([Body] extends [undefined]
  ? unknown
  : undefined extends Body
    ? { readonly body?: Given<Exclude<Body, undefined>> }
    : { readonly body: Given<Body> });

type GivenText<T> = Reference<T> | RequestText | T;

/** Where an operation is, and where its parameters go: by the name that they are given with, a place and a name. */
interface OperationPlace {
  readonly method: string;
  readonly path: string;
  readonly parameters?: Readonly<Record<string, readonly ['path' | 'query' | 'header', string]>>;
}

/** The operations of a service, as `gatehouse types` writes them. */
export function defineService<Operations extends object>(
  service: string,
  places: { readonly [Name in keyof Operations]: OperationPlace },
): Operations {
  const operations = Object.entries<OperationPlace>(places).map(([name, place]) => [
    name,
    (given: Readonly<Record<string, unknown>> = {}, settings: CallSettings = {}) => toCall({ service, place, given, settings }),
  ]);
  return Object.fromEntries(operations) as Operations;
}

function toCall(asked: {
  readonly service: string;
  readonly place: OperationPlace;
  readonly given: Readonly<Record<string, unknown>>;
  readonly settings: CallSettings;
}): CallInput {
  const { service, given, settings } = asked;
  const { method, parameters = {} } = asked.place;
  let { path } = asked.place;
  const query: Record<string, string> = {};
  const headers: Record<string, string> = {};
  for (const [key, [place, name]] of Object.entries(parameters)) {
    const value = given[key];
    if (value === undefined) continue;
    if (place === 'path') path = path.replaceAll(`{${name}}`, () => toSegment(value));
    else (place === 'query' ? query : headers)[name] = toText(value);
  }
  for (const [name, value] of Object.entries(settings.headers ?? {})) headers[name] = toText(value);
  const body = given['body'];
  const hasBody = body !== undefined && !Object.hasOwn(parameters, 'body');
  return {
    service,
    method,
    path,
    ...(toPlainMapping({ ...settings, headers: undefined }) as Omit<CallSettings, 'headers' | 'when'>),
    ...(Object.keys(query).length > 0 && { query }),
    ...(Object.keys(headers).length > 0 && { headers }),
    ...(hasBody && { body: toPlainMapping(body) }),
  };
}

function toText(value: unknown): string {
  return String(toPlainMapping(value));
}

/** What the configuration itself says is one segment, as values of references are. */
function toSegment(value: unknown): string {
  const text = toText(value);
  return text.includes('${') ? text : encodeURIComponent(text);
}

export interface EachSettings {
  readonly max?: number;
  readonly atOnce?: number;
  readonly beyond?: 'fail' | 'cut';
}

/** The call for each item of a list; its body is the list of their bodies, with `null` where one is missing. */
export function forEach<T, Body>(
  list: Mapped<readonly T[] | null | undefined>,
  make: (item: Ref<T>) => Call<Body>,
  settings?: EachSettings,
): Call<(Exclude<Body, undefined> | (undefined extends Body ? null : never))[]> {
  const plain = toPlainMapping(list);
  const each = settings === undefined && typeof plain === 'string' ? plain : { list: plain, ...settings };
  return { ...make(createReference<T>('item')), each } as CallInput;
}

/** The answer of a call, as others refer to it. */
export interface CallReference<Body> {
  readonly body: Ref<Body>;
  readonly status: Reference<number | (undefined extends Body ? undefined : never)>;
  header(name: string): Reference<string | undefined>;
}

export type CallReferences<Bodies> = { readonly [Name in keyof Bodies]: CallReference<Bodies[Name]> };

export type AggregateSettings = Omit<AggregateInput, 'calls' | 'answer' | 'compose' | 'headers'>;

export interface AggregateDestinationInput {
  readonly aggregate: AggregateInput;
}

/** Each step sees the calls that were named before it. */
export interface AggregateBuilder<Bodies> {
  call<Name extends string, Body>(
    name: Name extends keyof Bodies ? never : Name,
    call: Call<Body> | ((calls: CallReferences<Bodies>) => Call<Body>),
  ): AggregateBuilder<Bodies & { readonly [Each in Name]: Body }>;
  /** Fields of the answer. */
  headers(make: (calls: CallReferences<Bodies>) => Readonly<Record<string, TextPart>>): AggregateBuilder<Bodies>;
  /** The body of the answer; with a type, `answer<Page>(…)`, it is compared with that. */
  answer<Answer = unknown>(make: (calls: CallReferences<Bodies>) => Given<NoInfer<Answer>>): AggregateDestinationInput;
  /** A function of a file makes the answer, such as `./page.ts#page`. */
  compose(file: string): AggregateDestinationInput;
}

/** An answer of several services, for `to` of a route. */
export function aggregate(settings: AggregateSettings = {}): AggregateBuilder<unknown> {
  return createBuilder({ ...settings, calls: {} });
}

function createBuilder<Bodies>(written: AggregateInput): AggregateBuilder<Bodies> {
  const references = () => toReferences<Bodies>(Object.keys(written.calls));
  return {
    call(name, call) {
      const made = typeof call === 'function' ? call(references()) : call;
      return createBuilder({ ...written, calls: { ...written.calls, [name]: made } });
    },
    headers: (make) => {
      const fields = Object.entries(make(references())).map(([name, value]) => [name, toText(value)]);
      return createBuilder({ ...written, headers: Object.fromEntries(fields) });
    },
    answer: (make) => ({ aggregate: { ...written, answer: toPlainMapping(make(references())) } }),
    compose: (file) => ({ aggregate: { ...written, compose: file } }),
  };
}

function toReferences<Bodies>(names: readonly string[]): CallReferences<Bodies> {
  const references = names.map((name): [string, CallReference<unknown>] => [
    name,
    {
      body: createReference(`calls.${name}.body`),
      status: createReference<number>(`calls.${name}.status`),
      header: (field) => createReference<string | undefined>(`calls.${name}.header.${field}`),
    },
  ]);
  return Object.fromEntries(references) as CallReferences<Bodies>;
}

/** What a request says, and who asks. */
export const request = {
  path: (name: string): RequestText => createRequestText(`path.${name}`),
  query: (name: string): RequestText => createRequestText(`query.${name}`),
  header: (name: string): RequestText => createRequestText(`header.${name}`),
  cookie: (name: string): RequestText => createRequestText(`cookie.${name}`),
  claim: (name: string): RequestText => createRequestText(`claim.${name}`),
  consumer: (): RequestText => createRequestText('consumer.name'),
  clientIp: (): RequestText => createRequestText('clientIp'),
  requestId: (): RequestText => createRequestText('requestId'),
  /** The JSON body, of which nobody but the caller knows the type. */
  body: <T = unknown>(): Ref<T> => createReference<T>('body'),
};
