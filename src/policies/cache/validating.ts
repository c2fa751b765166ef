/** What is learned anew of an answer that is kept (RFC 9111 §3.2, §4.3). */
import type { AnswerFacts, StoredAnswer } from '#base/answer-store.ts';
import { listsTag } from '#wire/fields/entity-tags.ts';
import { getField } from '#wire/fields/field-list.ts';

/** The fields by which the service is asked whether the answer is the same still; `undefined`: it cannot be asked. */
export function toConditions({ fields }: AnswerFacts): readonly string[] | undefined {
  const tag = getField(fields, 'etag');
  const changed = getField(fields, 'last-modified');
  const conditions: string[] = [];
  if (tag !== undefined) conditions.push('if-none-match', tag);
  if (changed !== undefined) conditions.push('if-modified-since', changed);
  return conditions.length === 0 ? undefined : conditions;
}

/** RFC 9111 §4.3.4: whether a 304 is about this answer. */
export function isAbout(told: readonly string[], { facts }: StoredAnswer): boolean {
  const tag = getField(told, 'etag');
  const kept = getField(facts.fields, 'etag');
  return tag === undefined || kept === undefined || tag === kept || listsTag(tag, kept, 'weak');
}

/** RFC 9111 §4.3.5: whether what is said of a HEAD says the same of the answer that is kept for GET. */
export function agrees(told: readonly string[], announcedBytes: number | undefined, { facts }: StoredAnswer): boolean {
  for (const name of ['etag', 'last-modified']) {
    const value = getField(told, name);
    if (value !== undefined && value !== getField(facts.fields, name)) return false;
  }
  return announcedBytes === undefined || announcedBytes === facts.body.length;
}
