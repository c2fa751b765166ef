/**
 * Answers in the memory of one thread: at hand at once, and bounded in bytes. When it is full, what was not used for longest goes.
 * Being used costs one assignment: who has been used is passed over once when room is needed (second chance).
 */
import type { AnswerPurge, AnswerStore, StoredAnswer } from '#base/answer-store.ts';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';

/** What an answer takes besides its texts and its body. It also bounds how many there are. */
const ENTRY_BYTES = 1_024;
/** With each answer that is kept, so many are looked at in turn, and those of no use are let go. */
const SWEPT_PER_PUT = 4;

interface Entry {
  readonly shelf: Shelf;
  readonly answer: StoredAnswer;
  readonly bytes: number;
}

/** The answers of one address and partition, the most recent first. */
interface Shelf {
  readonly uri: string;
  readonly partition: string;
  answers: readonly StoredAnswer[];
}

export class AnswerMemory implements AnswerStore {
  /** How much all answers may take together. */
  bytesMax: number;
  readonly #clock: Clock;
  /** Nearly always an address has one partition. */
  readonly #shelves = new Map<string, Shelf | Map<string, Shelf>>();
  /** In the order in which they are looked at when room is needed. */
  readonly #entries = new Map<StoredAnswer, Entry>();
  #bytes = 0;
  #era = 0;

  constructor(bytesMax: number, clock: Clock) {
    this.bytesMax = bytesMax;
    this.#clock = clock;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get era(): number {
    return this.#era;
  }

  get count(): number {
    return this.#entries.size;
  }

  find(uri: string, partition: string): readonly StoredAnswer[] | undefined {
    return this.#findShelf(uri, partition)?.answers;
  }

  fetch(): undefined {
    return undefined;
  }

  put(uri: string, partition: string, answer: StoredAnswer): void {
    const bytes = sizeOf(uri, partition, answer);
    if (bytes > this.bytesMax) return;
    const shelf = this.#findShelf(uri, partition) ?? { uri, partition, answers: [] };
    for (const other of shelf.answers) if (isSameSelection(other, answer)) this.#remove(other);
    const oldest = shelf.answers[limits.answerVariantsMax - 1];
    if (oldest !== undefined) this.#remove(oldest);
    this.#sweep(SWEPT_PER_PUT);
    this.#makeRoom(bytes);
    shelf.answers = insert(shelf.answers, answer);
    this.#entries.set(answer, { shelf, answer, bytes });
    this.#bytes += bytes;
    this.#addShelf(shelf);
  }

  remove(_uri: string, _partition: string, answer: StoredAnswer): void {
    this.#remove(answer);
  }

  invalidate(uri: string): void {
    const found = this.#shelves.get(uri);
    const shelves = found === undefined ? [] : found instanceof Map ? [...found.values()] : [found];
    for (const { answers } of shelves) for (const answer of answers) this.#remove(answer);
  }

  purge(what: AnswerPurge): number {
    this.#era += 1;
    const before = this.#entries.size;
    if (what.kind === 'uri') this.invalidate(what.uri);
    else for (const entry of this.#entries.values()) if (isMeant(what, entry)) this.#remove(entry.answer);
    return before - this.#entries.size;
  }

  #findShelf(uri: string, partition: string): Shelf | undefined {
    const found = this.#shelves.get(uri);
    if (found === undefined || found instanceof Map) return found?.get(partition);
    return found.partition === partition ? found : undefined;
  }

  #addShelf(shelf: Shelf): void {
    const found = this.#shelves.get(shelf.uri);
    if (found instanceof Map) found.set(shelf.partition, shelf);
    else if (found === undefined || found.partition === shelf.partition) this.#shelves.set(shelf.uri, shelf);
    else {
      const both = [found, shelf].map((each) => [each.partition, each] as const);
      this.#shelves.set(shelf.uri, new Map(both));
    }
  }

  #remove(answer: StoredAnswer): void {
    const entry = this.#entries.get(answer);
    if (entry === undefined) return;
    this.#entries.delete(answer);
    this.#bytes -= entry.bytes;
    const { shelf } = entry;
    shelf.answers = shelf.answers.filter((other) => other !== answer);
    if (shelf.answers.length === 0) this.#removeShelf(shelf);
  }

  #removeShelf({ uri, partition }: Shelf): void {
    const found = this.#shelves.get(uri);
    if (found instanceof Map) found.delete(partition);
    if (!(found instanceof Map) || found.size === 0) this.#shelves.delete(uri);
  }

  /** Those that are looked at go to the end, so that in time each has its turn. */
  #sweep(count: number): void {
    const nowMs = this.#clock.monotonicMs();
    let left = count;
    for (const [answer, entry] of this.#entries) {
      if (left === 0) return;
      left -= 1;
      if (answer.facts.keptUntilMs <= nowMs) this.#remove(answer);
      else if (answer.wasUsed) this.#spare(answer, entry);
    }
  }

  #makeRoom(bytes: number): void {
    // Whoever is spared is not used any more, so the second look at it ends this.
    for (const [answer, entry] of this.#entries) {
      if (this.#bytes + bytes <= this.bytesMax) return;
      if (answer.wasUsed) this.#spare(answer, entry);
      else this.#remove(answer);
    }
  }

  #spare(answer: StoredAnswer, entry: Entry): void {
    answer.wasUsed = false;
    this.#entries.delete(answer);
    this.#entries.set(answer, entry);
  }
}

/** Before those that are older by their own date; of two of one date, the one that came last counts. */
function insert(answers: readonly StoredAnswer[], answer: StoredAnswer): readonly StoredAnswer[] {
  const at = answers.findIndex(({ facts }) => facts.dateMs <= answer.facts.dateMs);
  return at < 0 ? [...answers, answer] : answers.toSpliced(at, 0, answer);
}

function isSameSelection({ facts: one }: StoredAnswer, { facts: other }: StoredAnswer): boolean {
  if (one.selection === undefined || other.selection === undefined) return one.selection === other.selection;
  return one.selection.values === other.selection.values && String(one.selection.names) === String(other.selection.names);
}

function isMeant(what: AnswerPurge, { shelf, answer }: Entry): boolean {
  switch (what.kind) {
    case 'uri':
      return shelf.uri === what.uri;
    case 'prefix':
      return shelf.uri.startsWith(what.prefix);
    case 'tag':
      return answer.facts.tags.includes(what.tag);
    default:
      return what satisfies never;
  }
}

function sizeOf(uri: string, partition: string, { facts }: StoredAnswer): number {
  let bytes = ENTRY_BYTES + uri.length + partition.length + facts.body.length + (facts.selection?.values.length ?? 0);
  // Once as they are, and once as they are written.
  for (const text of facts.fields) bytes += 2 * text.length;
  for (const tag of facts.tags) bytes += tag.length;
  return bytes;
}
