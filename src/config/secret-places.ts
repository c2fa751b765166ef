/** Where the secrets of a written configuration are: as its schema says, and where the name of a field or variable says it. */
import type { z } from 'zod';
import { isMap, isText, listFormSchemas } from '#schema/forms.ts';
import { isSecretText } from '#schema/text-kind.ts';
import type { IssuePath } from './issue.ts';

export interface SecretPlace {
  readonly path: IssuePath;
  readonly text: string;
  /** Its name says that it may be one, and no schema does. */
  readonly isGuessed: boolean;
}

/** What is nothing but such references says nothing of the secret. A default would. */
const BARE_REFERENCE = /^(?:(?:Basic|Bearer|Token) )?(?:\$\{(?:env:[A-Za-z_]\w*|file:[^}]*)\})+$/;
/** Of names that users choose, such as those of header fields, whose schema does not say that their values are secrets. */
const TELLING_NAME = /^(?:proxy-)?authorization$|^(?:set-)?cookie$|(?:^|[-_])(?:token|secret|password|api-?key)$/i;
const DEPTH_MAX = 64;

/** Whether a text at the place of a secret may be shown. */
function isBareReference(text: string): boolean {
  return BARE_REFERENCE.test(text);
}

/** All texts at the places of secrets; those that are nothing but references are left out. */
export function findSecretPlaces(schema: z.core.$ZodType, value: unknown): SecretPlace[] {
  const found: SecretPlace[] = [];
  new SecretFinder(found).walk(schema, value, []);
  return found.filter(({ text }) => text !== '' && !isBareReference(text));
}

/** A value may be meant in several forms: it is a secret where it is one in any of them. */
class SecretFinder {
  readonly #found: SecretPlace[];

  constructor(found: SecretPlace[]) {
    this.#found = found;
  }

  walk(schema: z.core.$ZodType, value: unknown, path: IssuePath): void {
    if (value === undefined || value === null || path.length > DEPTH_MAX) return;
    const forms = listFormSchemas(schema);
    if (forms !== undefined) {
      for (const form of forms) this.walk(form, value, path);
      return;
    }
    if (isSecretText(schema)) {
      // A number or a boolean in the place of a secret may be one that lacks its quotes.
      if (typeof value !== 'object') this.#found.push({ path, text: String(value), isGuessed: false });
      return;
    }
    this.#walkInside((schema as z.core.$ZodTypes)._zod.def, value, path);
  }

  #walkInside(def: z.core.$ZodTypes['_zod']['def'], value: unknown, path: IssuePath): void {
    switch (def.type) {
      case 'object':
        if (isMap(value)) for (const [key, inner] of Object.entries(def.shape)) this.walk(inner, value[key], [...path, key]);
        return;
      case 'record':
        if (isMap(value)) this.#walkRecord(def.valueType, value, path);
        return;
      case 'array':
        if (Array.isArray(value)) for (const [index, item] of value.entries()) this.walk(def.element, item, [...path, index]);
        return;
      case 'pipe':
        this.walk(def.in, value, path);
        // What is looked at first and read then.
        if (def.in._zod.def.type === 'transform') this.walk(def.out, value, path);
        return;
      case 'union':
        for (const option of def.options) this.walk(option, value, path);
        return;
      case 'intersection':
        this.walk(def.left, value, path);
        this.walk(def.right, value, path);
        return;
      case 'lazy':
        this.walk(def.getter(), value, path);
        return;
      case 'optional':
      case 'nullable':
      case 'default':
      case 'prefault':
      case 'nonoptional':
      case 'catch':
      case 'readonly':
        this.walk(def.innerType, value, path);
        return;
      default:
    }
  }

  #walkRecord(valueType: z.core.$ZodType, value: Readonly<Record<string, unknown>>, path: IssuePath): void {
    for (const [key, inner] of Object.entries(value)) {
      if (isText(inner) && TELLING_NAME.test(key)) this.#found.push({ path: [...path, key], text: inner, isGuessed: true });
      else this.walk(valueType, inner, [...path, key]);
    }
  }
}
