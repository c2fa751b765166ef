/**
 * References of mappings as values with types, for configurations in TypeScript: `user.body.name` stands for
 * `${calls.user.body.name}`, and becomes that text when the mapping is put together.
 */

declare const valueType: unique symbol;

/** What stands for a JSON value of a type in a mapping: a reference, or an operator. */
export interface Mapped<T> {
  readonly [valueType]: T;
}

declare const isText: unique symbol;

/** One that may also stand in paths, parameters and fields, which are texts. */
export interface Reference<T> extends Mapped<T> {
  readonly [isText]: true;
}

/** A text of the request. Whether it is a number, or one of a few words, is for the service to see. */
export interface RequestText extends Reference<string> {
  readonly [isRequestText]: true;
}

declare const isRequestText: unique symbol;

/** A reference whose members are references too. Members that may be missing lead to references that may stand for nothing. */
export type Ref<T> = Reference<T> &
  (unknown extends T
    ? { readonly [name: string]: Ref<unknown> }
    : { readonly [Name in NamesOf<T>]: Ref<MemberOf<T, Name>> } & OtherMembers<T>);

/** Names of all alternatives, without those that stand for any name. */
type NamesOf<T> = T extends readonly unknown[]
  ? never
  : T extends object
    ? keyof { [Name in keyof T as string extends Name ? never : number extends Name ? never : Name]: 1 }
    : never;

type MemberOf<T, Name extends PropertyKey> = T extends readonly unknown[]
  ? undefined
  : T extends object
    ? Name extends keyof T
      ? T[Name] | MissingIfOptional<T, Name>
      : undefined
    : undefined;

type OtherMembers<T> = string extends (T extends readonly unknown[] ? never : keyof T)
  ? { readonly [name: string]: Ref<MemberOf<T, string> | undefined> }
  : unknown;

export type MissingIfOptional<T, Name extends keyof T> = object extends Pick<T, Name> ? undefined : never;

/** `undefined` where an operand may be missing, or be `null`: then the result is missing. */
export type MissingWith<T> = [Extract<T, null | undefined>] extends [never] ? never : undefined;

/** What may be written where a value is wanted: the value itself, or what stands for it, wherever in it. */
export type Given<T> = Mapped<T> | GivenParts<T>;

type GivenParts<T> = T extends readonly (infer Item)[]
  ? readonly Given<Item>[]
  : T extends object
    ? { readonly [Name in keyof T]: Given<T[Name] | MissingIfOptional<T, Name>> }
    : T;

/** What comes out of a mapping. */
export type JsonOf<M> =
  M extends Mapped<infer T>
    ? T
    : M extends readonly (infer Item)[]
      ? JsonOf<Item>[]
      : M extends object
        ? JsonMembers<{ -readonly [Name in keyof M]: JsonOf<M[Name]> }>
        : M;

/** Members that may be missing are left out then. */
type JsonMembers<T> = { [Name in keyof T as undefined extends T[Name] ? never : Name]: T[Name] } & {
  [Name in keyof T as undefined extends T[Name] ? Name : never]?: Exclude<T[Name], undefined>;
};

const SOURCE = Symbol('source of a reference');
const PLAIN_STEP = /^(?:[A-Za-z_][A-Za-z0-9_-]*|\d+)$/;

/** The reference that is written `${source}`. */
export function createReference<T>(source: string): Ref<T> {
  const members: ProxyHandler<object> = {
    get(_target, name) {
      if (name === SOURCE) return source;
      // Inside of a template of JavaScript it is the text that it stands for.
      if (name === Symbol.toPrimitive) return () => toText(source);
      return typeof name === 'string' ? createReference(source + toStep(name)) : undefined;
    },
  };
  return new Proxy({}, members) as Ref<T>;
}

/** Text of the request, such as `path.id`. */
export function createRequestText(source: string): RequestText {
  return createReference<string>(source) as unknown as RequestText;
}

export function sourceOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const source = (value as { readonly [SOURCE]?: unknown })[SOURCE];
  return typeof source === 'string' ? source : undefined;
}

/** The mapping as it is written in YAML: references are texts. */
export function toPlainMapping(value: unknown): unknown {
  const source = sourceOf(value);
  if (source !== undefined) return toText(source);
  if (Array.isArray(value)) return value.map(toPlainMapping);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(members.map(([name, member]) => [name, toPlainMapping(member)]));
}

function toStep(name: string): string {
  return PLAIN_STEP.test(name) ? `.${name}` : `["${name.replace(/["\\]/g, '\\$&')}"]`;
}

function toText(source: string): string {
  return `\${${source}}`;
}
