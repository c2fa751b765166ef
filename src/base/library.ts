import { assert } from './assert.ts';

/**
 * Code that takes long enough to load that no request should wait for it, nor those beside it. It is loaded ahead, and only
 * where it is needed; from then on it is there at once.
 */
export class Library<Module = unknown> {
  readonly name: string;
  readonly #loadWarm: () => Promise<Module>;
  #module: Module | undefined = undefined;

  /** `warmUp` does for the first time what takes longest then, in a turn of its own. */
  constructor(name: string, load: () => Promise<Module>, warmUp?: (module: Module) => void) {
    this.name = name;
    this.#loadWarm = async () => {
      const module = await load();
      await nextTurn();
      if (warmUp === undefined) return module;
      warmUp(module);
      await nextTurn();
      return module;
    };
  }

  /** For those who have seen to it that it is loaded. */
  get module(): Module {
    assert(this.#module !== undefined, `${this.name} is loaded before it is used`);
    return this.#module;
  }

  /** Rejects where it cannot be loaded; asked again, it tries again. Others have their turn in between and afterwards. */
  async load(): Promise<Module> {
    this.#module ??= await this.#loadWarm();
    return this.#module;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
