/** Configurations as they may be shown: what stands at the place of a secret is hidden, in a value or in a text. */
import { isScalar, parseDocument, type Scalar } from 'yaml';
import type { z } from 'zod';
import { isMap } from '#schema/forms.ts';
import type { IssuePath } from './issue.ts';
import type { WrittenConfiguration } from './load.ts';
import { findSecretPlaces, type SecretPlace } from './secret-places.ts';
import { replaceScalars, toOneLine } from './yaml-scalars.ts';

/** What stands in the place of a secret. In YAML it needs its quotes. */
export const HIDDEN = '***';

/** A shorter one might be a part of other words. */
const RECOGNISED_LENGTH_MIN = 8;
/** Routes, or services, that are looked at in one step. */
const PARTS_PER_STEP = 50;
/** Of longer texts it is not worth it to write a secret just as it was written before. */
const STYLED_LENGTH_MAX = 256 * 1024;

export interface RestoredText {
  readonly text: string;
  /** Places that are hidden and where there is no secret to put back. */
  readonly missing: readonly IssuePath[];
}

export class HiddenSecrets {
  readonly #schema: z.core.$ZodType;

  /** `schema`: of a whole configuration. */
  constructor(schema: z.core.$ZodType) {
    this.#schema = schema;
  }

  /** A copy of a configuration, or of a part of it that is in its place. */
  hideInValue(value: unknown): unknown {
    return replacePlaces(value, findSecretPlaces(this.#schema, value), () => HIDDEN);
  }

  /** `value`: what the text says. Yields between steps. */
  *hideInText(text: string, value: unknown): Generator<undefined, string, void> {
    const places = yield* this.#findInSteps(value);
    const secrets = new Set(places.map((place) => toOneLine(place.text)));
    if (secrets.size === 0) return text;
    const long = [...secrets].filter((secret) => secret.length >= RECOGNISED_LENGTH_MIN);
    const isSecret = (scalar: string) => secrets.has(scalar) || long.some((secret) => scalar.includes(secret));
    let hidden = yield* replaceScalars(text, (scalar) => (isSecret(scalar.trimEnd()) ? JSON.stringify(HIDDEN) : undefined));
    // What is no value, such as a comment.
    for (const secret of long) hidden = hidden.replaceAll(secret, HIDDEN);
    return hidden;
  }

  /** Puts the secrets of another configuration where this one says that they are hidden. A text that cannot be read stays as it is. */
  restoreInText(text: string, other: WrittenConfiguration): RestoredText {
    const document = parseDocument(text, { uniqueKeys: false, merge: true });
    if (document.errors.length > 0) return { text, missing: [] };
    const hidden = findSecretPlaces(this.#schema, document.toJS()).filter((place) => place.text === HIDDEN);
    const otherDocument =
      other.text === undefined || other.text.length > STYLED_LENGTH_MAX ? undefined : parseDocument(other.text);
    const secrets = new Map<Scalar, string>();
    const missing: IssuePath[] = [];
    for (const { path } of hidden) {
      const secret = readPath(other.value, path);
      const node: unknown = document.getIn(path, true);
      if (typeof secret === 'string' && isScalar(node))
        secrets.set(node, toSource(other.text, otherDocument?.getIn(path, true)) ?? JSON.stringify(secret));
      else missing.push(path);
    }
    return { text: replaceNodes(text, secrets), missing };
  }

  *#findInSteps(value: unknown): Generator<undefined, SecretPlace[], void> {
    if (!isMap(value)) return [];
    const { routes, services, ...rest } = value;
    const places = findSecretPlaces(this.#schema, rest);
    for (const [kind, parts] of Object.entries({ routes, services })) {
      const entries = Object.entries(isMap(parts) ? parts : {});
      for (let from = 0; from < entries.length; from += PARTS_PER_STEP) {
        const step = Object.fromEntries(entries.slice(from, from + PARTS_PER_STEP));
        places.push(...findSecretPlaces(this.#schema, { [kind]: step }));
        yield;
      }
    }
    return places;
  }
}

function replaceNodes(text: string, replacements: ReadonlyMap<Scalar, string>): string {
  const pieces: string[] = [];
  let end = 0;
  const ordered = [...replacements].sort(([left], [right]) => (left.range?.[0] ?? 0) - (right.range?.[0] ?? 0));
  for (const [{ range }, replacement] of ordered) {
    if (!range) continue;
    pieces.push(text.slice(end, range[0]), replacement);
    end = range[1];
  }
  return pieces.join('') + text.slice(end);
}

/** As it is written there, so that what is the same looks the same. What has several lines is written anew. */
function toSource(text: string | undefined, node: unknown): string | undefined {
  if (text === undefined || !isScalar(node) || !node.range) return undefined;
  const [start, end] = node.range;
  const source = text.slice(start, end);
  return source.includes('\n') ? undefined : source;
}

function replacePlaces(value: unknown, places: readonly SecretPlace[], replace: () => string): unknown {
  if (places.length === 0) return value;
  const copy: unknown = structuredClone(value);
  for (const { path } of places) {
    const holder = readPath(copy, path.slice(0, -1));
    if (typeof holder === 'object' && holder !== null) Reflect.set(holder, path.at(-1)!, replace());
  }
  return copy;
}

function readPath(value: unknown, path: IssuePath): unknown {
  let present = value;
  for (const step of path) present = typeof present === 'object' && present !== null ? Reflect.get(present, step) : undefined;
  return present;
}
