/** What a thread keeps from one configuration to the next: keys of an issuer, tokens that were verified, answers of others. */
import { RecentMap } from './recent-map.ts';

/** Things that nothing asked for since so many others were are let go. They hold memory only: nothing has to be closed. */
const THINGS_MAX = 4_096;

export class Keeper {
  readonly #things = new RecentMap<unknown>(THINGS_MAX);

  /**
   * The thing with this name, made when there is none. The name says all that the thing depends on, its kind included, since
   * whoever asks with the same name gets the same thing.
   */
  keep<Thing>(name: string, make: () => Thing): Thing {
    const thing = this.#things.has(name) ? (this.#things.get(name) as Thing) : make();
    // What was asked for last is let go last.
    this.#things.set(name, thing);
    return thing;
  }
}
