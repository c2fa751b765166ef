/** Answers of services that are kept for requests to come: what is kept of one, and what whoever keeps them is asked. */

/** Plain data, so that it can be written down, sent elsewhere and read again. All times are monotonic. */
export interface AnswerFacts {
  readonly status: number;
  /** End-to-end fields as the service wrote them, in lower case, without `age`, `content-length` and what says how it was sent. */
  readonly fields: readonly string[];
  /** In memory of its own: nobody else writes there. */
  readonly body: Buffer;
  /** Where `body` stands in the whole; `undefined`: it is the whole. */
  readonly part: AnswerPart | undefined;
  /** What requests have to have in common with the one that it answered (RFC 9111 §4.1); `undefined`: nothing. */
  readonly selection: AnswerSelection | undefined;
  /** When it was made, by the clock of who made it, in milliseconds since 1970: the most recent of several counts. */
  readonly dateMs: number;
  /** When its age was 0. */
  readonly bornMs: number;
  readonly freshUntilMs: number;
  /** How long it may be used while it is asked for anew, and where that fails (RFC 5861); at least `freshUntilMs`. */
  readonly usableWhileAskedMs: number;
  readonly usableOnErrorMs: number;
  /** Of no use to anybody afterwards. */
  readonly keptUntilMs: number;
  /** It may be used only if the service says each time that it may (RFC 9111 §5.2.2.4). */
  readonly isAlwaysAsked: boolean;
  /** Nobody may be given it when it is not fresh any more (RFC 9111 §5.2.2.2). */
  readonly isNeverStale: boolean;
  /** A client that would like to have it anew has to wait until it is not fresh any more (RFC 8246). */
  readonly isImmutable: boolean;
  /** Names by which it can be thrown away together with others. */
  readonly tags: readonly string[];
}

/** A part of something longer. */
export interface AnswerPart {
  readonly firstByte: number;
  readonly wholeBytes: number;
}

export interface AnswerSelection {
  /** Request fields in lower case, sorted. */
  readonly names: readonly string[];
  /** Their values in the form in which they are compared. */
  readonly values: string;
}

/** An answer that is kept. Facts never change: what is learned anew of an answer takes its place as another one. */
export class StoredAnswer {
  readonly facts: AnswerFacts;
  /** It was used since somebody last looked whether it may go. */
  wasUsed = false;
  /** What is written of it, for whoever writes it: it is the same for each request until its age is another one. */
  writtenText: string | undefined = undefined;
  writtenAgeS = -1;
  /** The part of it that never changes. */
  fixedText: string | undefined = undefined;

  constructor(facts: AnswerFacts) {
    this.facts = facts;
  }
}

/** What is thrown away: everything kept for one address, for all that begin so, or with one tag. */
export type AnswerPurge =
  | { readonly kind: 'uri'; readonly uri: string }
  | { readonly kind: 'prefix'; readonly prefix: string }
  | { readonly kind: 'tag'; readonly tag: string };

/**
 * Keeps answers by their address, and there by a partition, which is everything else that tells requests apart: the place of the
 * policy, parts of the request, a consumer, a body.
 */
export interface AnswerStore {
  /** What is at hand, the most recent first; not to be changed. Some may be of no use any more. */
  find(uri: string, partition: string): readonly StoredAnswer[] | undefined;
  /** Where nothing is at hand, and others may have it: what they have. `undefined`: there is nobody to ask. Never rejects. */
  fetch(uri: string, partition: string): Promise<readonly StoredAnswer[] | undefined> | undefined;
  /**
   * Takes the place of those with the same selection. `askedMs`: when the service was asked, which is now where it is not given; what was
   * thrown away elsewhere since then makes the answer of no use.
   */
  put(uri: string, partition: string, answer: StoredAnswer, askedMs?: number): void;
  remove(uri: string, partition: string, answer: StoredAnswer): void;
  /** Nothing of this address is used any more, in no partition, whoever keeps it: cheap, for the path of a request. */
  invalidate(uri: string): void;
  /** Throws away, in all partitions. How many there were at hand. It looks at everything, so it is not for the path of a request. */
  purge(what: AnswerPurge): number;
  /** Another one after each purge, and after what this address has was invalidated by any thread: who has asked a service before does not keep the answer. */
  eraOf(uri: string): number;
}
