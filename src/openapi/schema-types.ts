/** Schemas of documents as types of TypeScript. What is referred to becomes a type with a name; what a schema does not say is `unknown`. */
import { isMap, isText } from '#schema/forms.ts';
import { below } from './api-document.ts';
import type { Place } from './document-files.ts';
import { isReference, type Located, type References } from './references.ts';

type Values = Readonly<Record<string, unknown>>;

/** Schemas in one another, without a reference between them. */
const DEPTH_MAX = 64;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;
/** Says nothing about the type. */
const SILENT_KEYWORDS = new Set(['$ref', 'title', 'description', 'default', 'example', 'examples', 'deprecated', 'summary']);
const ALTERNATIVES = ['oneOf', 'anyOf'];
const COMBINATIONS = [...ALTERNATIVES, 'allOf'];

interface NamedType {
  readonly name: string;
  readonly schema: Located;
}

/** Where a type is written: by whom, and how far inside. */
interface Inside {
  /** The place of the named type that this is a part of, as long as nothing stands between that would delay its use. */
  readonly owner: string | undefined;
  readonly depth: number;
}

/** The types of one document. */
export class SchemaTypes {
  readonly #byPlace = new Map<string, NamedType>();
  readonly #references: References;
  readonly #prefix: string;
  readonly #taken: Set<string>;

  /** `prefix`: before names that are taken. */
  constructor({ references, prefix, taken }: { references: References; prefix: string; taken: Set<string> }) {
    this.#references = references;
    this.#prefix = prefix;
    this.#taken = taken;
  }

  write(schema: Located): string {
    return this.#write(schema, { owner: undefined, depth: 0 });
  }

  /** Gives what is referred to its names, and writes it all. */
  declare(): string[] {
    const declarations: string[] = [];
    // Grows while it is walked.
    for (const [owner, { name, schema }] of this.#byPlace) {
      const type = this.#write(schema, { owner, depth: 0 });
      declarations.push(`${toComment(textOf(schema.value, 'description'), '')}export type ${name} = ${type};\n`);
    }
    return declarations;
  }

  #write(schema: Located, inside: Inside): string {
    const { value, place } = schema;
    if (value === false) return 'never';
    if (!isMap(value) || inside.depth > DEPTH_MAX) return 'unknown';
    if (isReference(value)) return this.#writeReference(value, place, inside);
    return this.#writeParts(value, place, inside);
  }

  #writeReference(value: Values & { readonly $ref: string }, place: Place, inside: Inside): string {
    const target = this.#references.find(value.$ref, below(place, '$ref'));
    // One that leads in a circle has no value either.
    if (target === undefined || this.#references.follow(target.value, target.place) === undefined) return 'unknown';
    const key = keyOf(target.place);
    if (inside.owner !== undefined && this.#leadsTo(target, inside.owner, ALTERNATIVES)) return 'unknown';
    const name = this.#byPlace.get(key)?.name ?? this.#name(key, target);
    const { $ref: _, ...beside } = value;
    const speaks = Object.keys(beside).some((keyword) => !SILENT_KEYWORDS.has(keyword));
    return speaks ? intersect([name, this.#writeParts(beside, place, inside)]) : name;
  }

  #writeParts(value: Values, place: Place, inside: Inside): string {
    const own = this.#writeOwn(value, place, inside);
    const all = listOf(value['allOf']).map((part, i) => this.#writePart(part, below(place, 'allOf', i), inside));
    const unions = ALTERNATIVES.flatMap((keyword) => {
      const parts = listOf(value[keyword]);
      const types = parts.map((part, i) => this.#write({ value: part, place: below(place, keyword, i) }, next(inside)));
      return parts.length === 0 ? [] : [unite(types)];
    });
    const type = intersect([...(own === undefined ? [] : [own]), ...all, ...unions]);
    return value['nullable'] === true ? unite([type, 'null']) : type;
  }

  /** A part of an `allOf`. A base that names what is derived from it is what it says itself. */
  #writePart(part: unknown, place: Place, inside: Inside): string {
    const { owner } = inside;
    if (owner !== undefined && isReference(part)) {
      const target = this.#references.follow(part, place);
      if (target !== undefined && isMap(target.value) && this.#leadsTo(target, owner, COMBINATIONS)) {
        const { oneOf: _, anyOf: __, ...base } = target.value;
        return keyOf(target.place) === owner ? 'unknown' : this.#write({ value: base, place: target.place }, next(inside));
      }
    }
    return this.#write({ value: part, place }, next(inside));
  }

  /** What it says besides alternatives; `undefined`: nothing. */
  #writeOwn(value: Values, place: Place, inside: Inside): string | undefined {
    if ('const' in value) return toLiteral(value['const']);
    if (Array.isArray(value['enum'])) return unite(value['enum'].map(toLiteral));
    const types = typesOf(value);
    return types.length === 0 ? undefined : unite(types.map((type) => this.#writeKind(type, value, place, inside)));
  }

  #writeKind(type: string, value: Values, place: Place, inside: Inside): string {
    switch (type) {
      case 'integer':
      case 'number':
        return 'number';
      case 'string':
      case 'boolean':
      case 'null':
        return type;
      case 'array':
        return this.#writeList(value, place, inside);
      case 'object':
        return this.#writeObject(value, place, inside);
      default:
        return 'unknown';
    }
  }

  #writeList({ prefixItems, items, minItems }: Values, place: Place, inside: Inside): string {
    const within = { ...next(inside), owner: undefined };
    const item = this.#write({ value: items ?? true, place: below(place, 'items') }, within);
    if (!Array.isArray(prefixItems)) return `${enclose(item)}[]`;
    const first = prefixItems.map((each: unknown, i) => {
      const type = this.#write({ value: each, place: below(place, 'prefixItems', i) }, within);
      return i < Number(minItems ?? 0) ? type : `${enclose(type)}?`;
    });
    return `[${[...first, ...(items === false ? [] : [`...${enclose(item)}[]`])].join(', ')}]`;
  }

  #writeObject(value: Values, place: Place, inside: Inside): string {
    const { properties, required, additionalProperties: others, patternProperties } = value;
    const within = { ...next(inside), owner: undefined };
    const members = Object.entries(isMap(properties) ? properties : {}).map(([name, property]) => {
      const type = this.#write({ value: property, place: below(place, 'properties', name) }, within);
      const mark = listOf(required).includes(name) ? '' : '?';
      return `${toComment(textOf(property, 'description'), '')}${toKey(name)}${mark}: ${type};`;
    });
    const isOpen =
      others === true || isMap(others) || patternProperties !== undefined || (members.length === 0 && others !== false);
    if (isOpen) {
      const isKnown = members.length === 0 && isMap(others) && patternProperties === undefined;
      const type = isKnown ? this.#write({ value: others, place: below(place, 'additionalProperties') }, within) : 'unknown';
      members.push(`[name: string]: ${type};`);
    }
    return members.length === 0 ? '{ [name: string]: never }' : `{\n${indent(members.join('\n'))}\n}`;
  }

  #name(key: string, schema: Located): string {
    const step = schema.place.steps.at(-1) ?? schema.place.file.replace(/^.*\//, '').replace(/\.\w+$/, '');
    const plain = toTypeName(String(step));
    const name = findFree(this.#taken.has(plain) ? this.#prefix + plain : plain, this.#taken);
    this.#taken.add(name);
    this.#byPlace.set(key, { name, schema });
    return name;
  }

  /** Whether a type would be made of itself: by references, and what these keywords combine. */
  #leadsTo(from: Located, owner: string, keywords: readonly string[]): boolean {
    const seen = new Set<string>();
    const waiting = [from];
    for (let each = waiting.pop(); each !== undefined; each = waiting.pop()) {
      const { value, place } = each;
      const key = keyOf(place);
      if (key === owner) return true;
      if (seen.has(key) || !isMap(value)) continue;
      seen.add(key);
      const target = isReference(value) ? this.#references.find(value.$ref, place) : undefined;
      if (target !== undefined) waiting.push(target);
      for (const keyword of keywords)
        waiting.push(...listOf(value[keyword]).map((part, i) => ({ value: part, place: below(place, keyword, i) })));
    }
    return false;
  }
}

function next(inside: Inside): Inside {
  return { ...inside, depth: inside.depth + 1 };
}

function keyOf({ file, steps }: Place): string {
  return JSON.stringify([file, ...steps]);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Kinds of values; by what is said about them, where they are not said. */
function typesOf({ type, properties, additionalProperties, items, prefixItems }: Values): readonly string[] {
  if (isText(type)) return [type];
  if (Array.isArray(type)) return type.map(String);
  if (isMap(properties) || additionalProperties !== undefined) return ['object'];
  return items === undefined && prefixItems === undefined ? [] : ['array'];
}

function unite(types: readonly string[]): string {
  const all = [...new Set(types)];
  if (all.includes('unknown')) return 'unknown';
  const some = all.length > 1 ? all.filter((type) => type !== 'never') : all;
  return some.length === 1 ? some[0]! : some.map((type) => (type.includes(' & ') ? enclose(type) : type)).join(' | ') || 'never';
}

function intersect(types: readonly string[]): string {
  const all = [...new Set(types)].filter((type) => type !== 'unknown');
  return all.length < 2 ? (all[0] ?? 'unknown') : all.map(enclose).join(' & ');
}

function enclose(type: string): string {
  return /^(?:[\w$]+|\{[^{}]*\})$/.test(type) ? type : `(${type})`;
}

/** A value as its own type. */
function toLiteral(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toLiteral).join(', ')}]`;
  if (isText(value)) return toQuoted(value);
  if (!isMap(value)) return JSON.stringify(value) ?? 'unknown';
  const members = Object.entries(value).map(([name, member]) => `${toKey(name)}: ${toLiteral(member)}`);
  return `{ ${members.join('; ')} }`;
}

export function toKey(name: string): string {
  return IDENTIFIER.test(name) ? name : toQuoted(name);
}

export function toQuoted(text: string): string {
  return `'${JSON.stringify(text).slice(1, -1).replaceAll('\\"', '"').replaceAll("'", "\\'")}'`;
}

export function indent(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ');
}

export function textOf(value: unknown, key: string): string | undefined {
  const text = isMap(value) ? value[key] : undefined;
  return isText(text) ? text : undefined;
}

/** The first line of a description. */
export function toComment(text: string | undefined, before: string): string {
  const line = text?.trim().split('\n')[0]?.trim() ?? '';
  return line === '' ? '' : `${before}/** ${line.replaceAll('*/', '*\\/')} */\n`;
}

/** `pet-kind` as `PetKind`. */
export function toTypeName(text: string): string {
  const words = text.split(/[^A-Za-z0-9$]+/).filter((word) => word !== '');
  const name = words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
  return /^[A-Za-z$]/.test(name) ? name : `Type${name}`;
}

/** The name, or with the first number that nobody has. */
export function findFree(name: string, taken: ReadonlySet<string>): string {
  let free = name;
  for (let number = 2; taken.has(free); number++) free = `${name}${number}`;
  return free;
}
