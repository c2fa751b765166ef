/** Configurations as they may be shown: what stands at the place of a secret is hidden, in a value or in a text. */
import { isScalar, parseDocument, type Scalar, visit } from 'yaml';
import type { z } from 'zod';
import type { IssuePath } from './issue.ts';
import type { WrittenConfiguration } from './load.ts';
import { findSecretPlaces, type SecretPlace } from './secret-places.ts';

/** What stands in the place of a secret. In YAML it needs its quotes. */
export const HIDDEN = '***';

/** A shorter one might be a part of other words. */
const RECOGNISED_LENGTH_MIN = 8;

export class HiddenSecrets {
  readonly #schema: z.core.$ZodType;

  /** `schema`: of a whole configuration. */
  constructor(schema: z.core.$ZodType) {
    this.#schema = schema;
  }

  /** A copy of a configuration, or of a part of it that is in its place. */
  hideInValue(value: unknown): unknown {
    return replacePlaces(value, this.#find(value), () => HIDDEN);
  }

  /** `value`: what the text says. */
  hideInText(text: string, value: unknown): string {
    const secrets = [...new Set(this.#find(value).map((place) => place.text))];
    if (secrets.length === 0) return text;
    const long = secrets.filter((secret) => secret.length >= RECOGNISED_LENGTH_MIN);
    const isSecret = (scalar: string) => secrets.includes(scalar) || long.some((secret) => scalar.includes(secret));
    let hidden = replaceScalars(text, (scalar) => (isSecret(String(scalar.value)) ? JSON.stringify(HIDDEN) : undefined));
    // What is no value, such as a comment.
    for (const secret of long) hidden = hidden.replaceAll(secret, HIDDEN);
    return hidden;
  }

  /** Puts the secrets of another configuration where this one says that they are hidden. Then what is still hidden is listed. */
  restoreInText(
    text: string,
    value: unknown,
    other: WrittenConfiguration,
  ): { readonly text: string; readonly missing: readonly IssuePath[] } {
    const hidden = this.#find(value).filter((place) => place.text === HIDDEN);
    if (hidden.length === 0) return { text, missing: [] };
    const document = parseDocument(text);
    const otherDocument = other.text === undefined ? undefined : parseDocument(other.text);
    const secrets = new Map<unknown, string>();
    const missing: IssuePath[] = [];
    for (const { path } of hidden) {
      const secret = readPath(other.value, path);
      const node: unknown = document.getIn(path, true);
      if (typeof secret === 'string' && isScalar(node))
        secrets.set(node.range?.[0], toSource(other.text, otherDocument?.getIn(path, true)) ?? JSON.stringify(secret));
      else missing.push(path);
    }
    const restored = replaceScalars(text, (scalar) => (scalar.value === HIDDEN ? secrets.get(scalar.range?.[0]) : undefined));
    return { text: restored, missing };
  }

  #find(value: unknown): SecretPlace[] {
    return findSecretPlaces(this.#schema, value);
  }
}

/** As it is written there, so that what is the same looks the same. What has several lines is written anew. */
function toSource(text: string | undefined, node: unknown): string | undefined {
  if (text === undefined || !isScalar(node) || !node.range) return undefined;
  const [start, end] = node.range;
  const source = text.slice(start, end);
  return source.includes('\n') ? undefined : source;
}

/** Only the places change; everything else is written as it was. */
function replaceScalars(text: string, replace: (scalar: Scalar) => string | undefined): string {
  const document = parseDocument(text, { uniqueKeys: false, merge: true });
  const pieces: string[] = [];
  let end = 0;
  visit(document, {
    Scalar(key, scalar) {
      const replacement = key === 'key' ? undefined : replace(scalar);
      const { range } = scalar;
      if (replacement === undefined || range === null || range === undefined) return;
      const [start, valueEnd] = range;
      const written = text.slice(start, valueEnd);
      // A block of lines ends with the end of its last one.
      pieces.push(text.slice(end, start), replacement, written.endsWith('\n') ? '\n' : '');
      end = valueEnd;
    },
  });
  return pieces.join('') + text.slice(end);
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
