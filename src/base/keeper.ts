/** What a thread keeps from one configuration to the next: keys of an issuer, tokens that were verified, answers of others. */

/** Things that nothing asked for since so many others were are let go. They hold memory only: nothing has to be closed. */
const THINGS_MAX = 4_096;

export class Keeper {
  readonly #things = new Map<string, unknown>();

  /**
   * The thing with this name, made when there is none. The name says all that the thing depends on, its kind included, since
   * whoever asks with the same name gets the same thing.
   */
  keep<Thing>(name: string, make: () => Thing): Thing {
    const known = this.#things.has(name);
    const thing = known ? (this.#things.get(name) as Thing) : make();
    // The order of a map is that of insertion: what was asked for last comes last.
    this.#things.delete(name);
    this.#things.set(name, thing);
    for (const oldest of this.#things.keys()) {
      if (this.#things.size <= THINGS_MAX) break;
      this.#things.delete(oldest);
    }
    return thing;
  }
}
