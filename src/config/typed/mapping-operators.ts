/** The operators of mappings as functions, so that TypeScript knows what they make of what: `mapping.pick(user.body, ['name'])`. */
import {
  createReference,
  type Given,
  type JsonOf,
  type Mapped,
  type MissingWith,
  type Ref,
  type Reference,
  sourceOf,
  toPlainMapping,
} from './reference.ts';

type Scalar = string | number | boolean | null;
type Items<T> = NonNullable<T> extends readonly (infer Item)[] ? Item : never;
type MaybeList = readonly unknown[] | null | undefined;

declare const isCondition: unique symbol;

/** Holds or not, for `when`. */
export interface Condition {
  readonly [isCondition]: true;
}

export interface JoinRules<One, Other> {
  /** The members that have to be equal: one name, or one for each side. */
  readonly by: (keyof One & keyof Other & string) | { readonly from: keyof One & string; readonly with: keyof Other & string };
}

/** What a merge of two objects has: the members of the second win. */
type Merged<One, Other> = Omit<One, keyof Other> & Other;

function operator<T>(name: string, operand: unknown): Mapped<T> {
  return { [name]: toPlainMapping(operand) } as unknown as Mapped<T>;
}

function condition(written: object): Condition {
  return toPlainMapping(written) as Condition;
}

const ITEM = 'item';

function each<T extends MaybeList, M>(
  list: Mapped<T>,
  make: (item: Ref<Items<T>>) => M,
  options: { readonly when?: (item: Ref<Items<T>>) => Condition } = {},
): Mapped<JsonOf<M>[] | MissingWith<T>> {
  const build = (as: string) => {
    const item = createReference<Items<T>>(as);
    return { do: toPlainMapping(make(item)), when: options.when?.(item) };
  };
  // A list inside of this one has a name for its items, too. Only when it is known can this one have another.
  const inner = JSON.stringify(build(ITEM));
  let as = ITEM;
  for (let depth = 2; inner.includes(`"as":"${as}"`); depth++) as = `${ITEM}${depth}`;
  return operator('$each', { in: list, as, ...build(as) });
}

function join<One extends object, Other extends object>(
  from: Mapped<readonly One[]>,
  other: Mapped<readonly Other[] | null | undefined>,
  rules: JoinRules<One, Other>,
): Mapped<Merged<One, Partial<Other>>[]>;
function join<One extends object, Other extends object, As extends string>(
  from: Mapped<readonly One[]>,
  other: Mapped<readonly Other[] | null | undefined>,
  rules: JoinRules<One, Other> & { readonly as: As; readonly many: true },
): Mapped<(One & { [Name in As]: Other[] })[]>;
function join<One extends object, Other extends object, As extends string>(
  from: Mapped<readonly One[]>,
  other: Mapped<readonly Other[] | null | undefined>,
  rules: JoinRules<One, Other> & { readonly as: As },
): Mapped<(One & { [Name in As]?: Other })[]>;
function join(from: Mapped<unknown>, other: Mapped<unknown>, rules: object): Mapped<unknown> {
  return operator('$join', { from, with: other, ...rules });
}

/** Text with values in it: `` mapping.text`from ${user.body.city}` ``. What is missing is empty. */
function text(pieces: TemplateStringsArray, ...values: readonly (Scalar | Reference<Scalar | undefined>)[]): Reference<string> {
  const parts = values.map((value, i) => `${String(toPlainMapping(value))}${pieces[i + 1]}`);
  // A text is what it becomes, too.
  return `${pieces[0]}${parts.join('')}` as unknown as Reference<string>;
}

export const mapping = {
  each,
  join,
  text,
  /** A missing value is an error, and not left out: `${user.body.name!}`. */
  required: <T>(from: Reference<T>): Reference<Exclude<T, undefined>> => createReference(`${sourceOf(from)}!`),
  /** One item of a list. */
  itemAt: <T extends MaybeList>(list: Reference<T>, index: number): Ref<Items<T> | undefined> =>
    createReference(`${sourceOf(list)}.${index}`),
  pick: <T, Name extends keyof NonNullable<T> & string>(
    from: Mapped<T>,
    names: readonly Name[],
  ): Mapped<Pick<NonNullable<T>, Name> | MissingWith<T>> => operator('$pick', { from, names }),
  omit: <T, Name extends keyof NonNullable<T> & string>(
    from: Mapped<T>,
    names: readonly Name[],
  ): Mapped<Omit<NonNullable<T>, Name> | MissingWith<T>> => operator('$omit', { from, names }),
  rename: <T, const Names extends { readonly [Name in keyof NonNullable<T>]?: string }>(
    from: Mapped<T>,
    names: Names,
  ): Mapped<
    | {
        [Name in keyof NonNullable<T> as Name extends keyof Names
          ? Names[Name] extends string
            ? Names[Name]
            : Name
          : Name]: NonNullable<T>[Name];
      }
    | MissingWith<T>
  > => operator('$rename', { from, names }),
  merge: <One, Other>(one: One, other: Other): Mapped<Merged<NonNullable<JsonOf<One>>, NonNullable<JsonOf<Other>>>> =>
    operator('$merge', [one, other]),
  concat: <T>(...lists: readonly Given<readonly T[] | null | undefined>[]): Mapped<T[]> => operator('$concat', lists),
  /** A list of lists as one. */
  flatten: <T>(lists: Mapped<readonly (readonly T[])[]>): Mapped<T[]> => operator('$flatten', lists),
  group: <T extends object>(from: Mapped<readonly T[]>, by: keyof T & string): Mapped<{ [value: string]: T[] }> =>
    operator('$group', { from, by }),
  mergeBy: <T extends object>(lists: readonly Mapped<readonly T[] | null | undefined>[], by: keyof T & string): Mapped<T[]> =>
    operator('$mergeBy', { lists, by }),
  /** The first one that is there and not `null`. */
  orDefault: <T, const Other>(value: Mapped<T>, other: Other): Mapped<NonNullable<T> | JsonOf<Other>> =>
    operator('$default', [value, other]),
  choose: <const Then, const Otherwise = undefined>(
    when: Condition,
    then: Then,
    otherwise?: Otherwise,
  ): Mapped<JsonOf<Then> | JsonOf<Otherwise>> => operator('$if', { when, do: then, else: otherwise }),
  toText: (value: Mapped<unknown>): Mapped<string> => operator('$text', value),
  toNumber: (value: Mapped<string>): Mapped<number> => operator('$number', value),
  count: (list: Mapped<MaybeList>): Mapped<number> => operator('$count', list),
  /** Without references in it. */
  literal: <const T>(value: T): Mapped<T> => operator('$literal', value),
  exists: (value: Mapped<unknown>): Condition => condition({ exists: value }),
  equals: <T>(value: Mapped<T>, other: T & Scalar): Condition => condition({ value, equals: other }),
  isOneOf: <T>(value: Mapped<T>, others: readonly (T & Scalar)[]): Condition => condition({ value, in: others }),
  not: (one: Condition): Condition => condition({ not: one }),
  all: (...conditions: readonly Condition[]): Condition => condition({ all: conditions }),
  any: (...conditions: readonly Condition[]): Condition => condition({ any: conditions }),
};
