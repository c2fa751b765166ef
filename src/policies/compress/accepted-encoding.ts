import { RecentMap } from '#base/recent-map.ts';
import { toPresentName } from '#pipeline/content-coding/content-codings.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import { findWeight, parseQualityList } from '#wire/fields/quality-list.ts';
import type { Encoder } from './encoders.ts';

/** Nearly all clients are one of a few browsers and libraries, and send one of a few texts. */
const TEXTS_KNOWN_MAX = 64;
const KNOWN_TEXT_LENGTH_MAX = 128;

/** Chooses among encodings, of which earlier ones are preferred, by what clients accept (RFC 9110 §12.5.3). */
export class AcceptedEncodings {
  readonly #encoders: readonly Encoder[];
  readonly #known = new RecentMap<Encoder | undefined>(TEXTS_KNOWN_MAX);

  constructor(encoders: readonly Encoder[]) {
    this.#encoders = encoders;
  }

  /** `undefined`: the answer passes as it is. That is what everybody can read, so nobody is refused. */
  choose(requestFields: readonly string[]): Encoder | undefined {
    const lines = getFieldValues(requestFields, 'accept-encoding');
    // Without the field everything would be allowed; who does not send it will hardly know what to do with it.
    if (lines.length === 0) return undefined;
    const text = lines.length === 1 ? lines[0]! : lines.join(',');
    if (text.length > KNOWN_TEXT_LENGTH_MAX) return this.#choose(text);
    if (!this.#known.has(text)) this.#known.set(text, this.#choose(text));
    return this.#known.get(text);
  }

  #choose(text: string): Encoder | undefined {
    const items = parseQualityList(text).map(({ name, weight }) => ({ name: toPresentName(name), weight }));
    let chosen: Encoder | undefined;
    // A client that says nothing about plain answers takes them, and would rather have one of those that it names.
    let heaviest = items.find(({ name }) => name === 'identity')?.weight ?? 0;
    for (const encoder of this.#encoders) {
      const weight = findWeight(items, encoder.name) ?? 0;
      if (weight === 0 || weight < heaviest || (weight === heaviest && chosen !== undefined)) continue;
      chosen = encoder;
      heaviest = weight;
    }
    return chosen;
  }
}
