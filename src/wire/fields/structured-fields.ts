/**
 * Structured fields (RFC 9651) as far as signatures and caches need them: dictionaries whose members are items or lists of items in
 * parentheses. Strict: what the grammar does not allow is no field. Whoever sends it chooses each byte; it is read once, from
 * left to right.
 */

export type BareItem =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'token'; readonly value: string }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'decimal'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'bytes'; readonly value: Buffer };

export type Parameters = ReadonlyMap<string, BareItem>;

export interface Item {
  readonly value: BareItem;
  readonly parameters: Parameters;
}

export interface InnerList {
  readonly items: readonly Item[];
  readonly parameters: Parameters;
}

export type Member = Item | InnerList;

const MEMBERS_MAX = 32;
const ITEMS_MAX = 64;
const PARAMETERS_MAX = 16;
const KEY = /[a-z*][a-z0-9_.*-]*/y;
const TOKEN = /[A-Za-z*][!#$%&'*+\-.^_`|~0-9A-Za-z:/]*/y;
const DECIMAL = /-?[0-9]{1,12}\.[0-9]{1,3}(?![0-9.])/y;
const INTEGER = /-?[0-9]{1,15}(?![0-9.])/y;
const STRING = /"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
/** RFC 9651 §4.2.7 lets padding be missing; who signs writes it (§4.1.8). */
const BYTES = /:((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?):/y;
const SPACES = / */y;
const BETWEEN = /[ \t]*,[ \t]*/y;

/**
 * The members of a dictionary; `undefined`: it is none, or longer than any that we need. RFC 9651 has the last of several members with
 * one name count. Where two readers that differ in it are a hole, such a field is none.
 */
export function parseDictionary(text: string, repeated: 'last' | 'refused' = 'refused'): ReadonlyMap<string, Member> | undefined {
  return new FieldReader(text).readDictionary(repeated);
}

export function isInnerList(member: Member): member is InnerList {
  return 'items' in member;
}

/** As RFC 9651 §4.1.1.1 writes it: what was read, in its one form. */
export function formatInnerList({ items, parameters }: InnerList): string {
  const inside = items.map((item) => `${formatBare(item.value)}${formatParameters(item.parameters)}`);
  return `(${inside.join(' ')})${formatParameters(parameters)}`;
}

function formatParameters(parameters: Parameters): string {
  let text = '';
  for (const [key, value] of parameters)
    text += value.kind === 'boolean' && value.value ? `;${key}` : `;${key}=${formatBare(value)}`;
  return text;
}

function formatBare(item: BareItem): string {
  switch (item.kind) {
    case 'string':
      return `"${item.value.replace(/["\\]/g, '\\$&')}"`;
    case 'token':
    case 'decimal':
      return item.value;
    case 'integer':
      return String(item.value);
    case 'boolean':
      return item.value ? '?1' : '?0';
    case 'bytes':
      return `:${item.value.toString('base64')}:`;
    default:
      return item satisfies never;
  }
}

/** Each `read…` moves on behind what it has read; `undefined`: it is not there. */
class FieldReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text.replace(/^ +| +$/g, '');
  }

  readDictionary(repeated: 'last' | 'refused'): ReadonlyMap<string, Member> | undefined {
    const members = new Map<string, Member>();
    do {
      const key = this.#match(KEY)?.[0];
      if (key === undefined || members.size === MEMBERS_MAX || (repeated === 'refused' && members.has(key))) return undefined;
      const member = this.#take('=') ? this.#readMember() : this.#readTrue();
      if (member === undefined) return undefined;
      members.set(key, member);
    } while (this.#match(BETWEEN) !== null);
    return this.#at === this.#text.length ? members : undefined;
  }

  #readMember(): Member | undefined {
    return this.#text[this.#at] === '(' ? this.#readInnerList() : this.#readItem();
  }

  #readTrue(): Item | undefined {
    const parameters = this.#readParameters();
    return parameters && { value: { kind: 'boolean', value: true }, parameters };
  }

  #readInnerList(): InnerList | undefined {
    this.#at += 1;
    const items: Item[] = [];
    for (;;) {
      const spaces = this.#match(SPACES)?.[0].length ?? 0;
      if (this.#take(')')) break;
      if (items.length === ITEMS_MAX || (items.length > 0 && spaces === 0)) return undefined;
      const item = this.#readItem();
      if (item === undefined) return undefined;
      items.push(item);
    }
    const parameters = this.#readParameters();
    return parameters && { items, parameters };
  }

  #readItem(): Item | undefined {
    const value = this.#readBare();
    const parameters = value && this.#readParameters();
    return value && parameters && { value, parameters };
  }

  #readParameters(): Parameters | undefined {
    const parameters = new Map<string, BareItem>();
    while (this.#take(';')) {
      this.#match(SPACES);
      const key = this.#match(KEY)?.[0];
      if (key === undefined || parameters.has(key) || parameters.size === PARAMETERS_MAX) return undefined;
      const value: BareItem | undefined = this.#take('=') ? this.#readBare() : { kind: 'boolean', value: true };
      if (value === undefined) return undefined;
      parameters.set(key, value);
    }
    return parameters;
  }

  #readBare(): BareItem | undefined {
    switch (this.#text[this.#at]) {
      case '"': {
        const text = this.#match(STRING)?.[1];
        return text === undefined ? undefined : { kind: 'string', value: text.replace(/\\(.)/g, '$1') };
      }
      case ':': {
        const text = this.#match(BYTES)?.[1];
        return text === undefined ? undefined : { kind: 'bytes', value: Buffer.from(text, 'base64') };
      }
      case '?':
        return this.#take('?1')
          ? { kind: 'boolean', value: true }
          : this.#take('?0')
            ? { kind: 'boolean', value: false }
            : undefined;
      default: {
        const decimal = this.#match(DECIMAL)?.[0];
        if (decimal !== undefined) return { kind: 'decimal', value: decimal };
        const integer = this.#match(INTEGER)?.[0];
        if (integer !== undefined) return { kind: 'integer', value: Number(integer) };
        const token = this.#match(TOKEN)?.[0];
        return token === undefined ? undefined : { kind: 'token', value: token };
      }
    }
  }

  #take(text: string): boolean {
    if (!this.#text.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    // Sticky, so it looks at this place alone.
    pattern.lastIndex = this.#at;
    const match = pattern.exec(this.#text);
    if (match !== null) this.#at += match[0].length;
    return match;
  }
}
