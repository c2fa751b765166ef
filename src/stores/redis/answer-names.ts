/**
 * What answers are called in the store. Addresses, partitions and tags go into hashes: what clients send may be long, and may be
 * a secret. The part in braces is the same for all that is kept for an address.
 */
import { hash } from 'node:crypto';
import type { AnswerSelection } from '#base/answer-store.ts';

/** Stands in no name of a field. */
const SEPARATOR = '\n';

export class AnswerNames {
  /** The notes of beginnings that were purged. */
  readonly prefixes: string;
  /** What the notes of tags that were purged begin with. */
  readonly tagBegin: string;
  readonly #begin: string;

  constructor(prefix: string) {
    this.#begin = `${prefix}answer:{`;
    this.prefixes = `${prefix}answers-over:prefixes`;
    this.tagBegin = `${prefix}answers-over:tag:`;
  }

  toAnswers(uri: string, partition: string): string {
    return `${this.#begin}${toId(uri)}}:${toId(partition)}`;
  }

  /** Held by who asks the service. */
  toLock(uri: string, partition: string): string {
    return `${this.toAnswers(uri, partition)}:lock`;
  }

  /** The note that all of this address was purged. */
  toNote(uri: string): string {
    return `${this.#begin}${toId(uri)}}:over`;
  }

  toTagNote(tag: string): string {
    return this.tagBegin + toId(tag);
  }

  toTags(tags: readonly string[]): string {
    return tags.map(toId).join('\n');
  }

  toField(selection: AnswerSelection | undefined): string {
    return selection === undefined ? '-' : toId([...selection.names, '', selection.values].join(SEPARATOR));
  }
}

function toId(text: string): string {
  return hash('sha256', text, 'base64url');
}
