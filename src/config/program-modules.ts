/**
 * Modules that a configuration imports from beside itself: run anew with it, as the runtime would keep them until the process ends, and
 * known, so that they can be watched. Packages are not among them, nor modules of CommonJS, which the runtime keeps by their paths.
 */
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

/** Of a path, or of a name in `imports` of a `package.json`. */
const OWN = /^(?:\.{1,2}\/|#)/;
const INSTALLED = '/node_modules/';

export class ProgramModules {
  /** Unlike that of any module that the runtime keeps. */
  readonly #mark = `?load=${crypto.randomUUID()}`;
  readonly #files = new Set<string>();

  /** Paths of those that were asked for, also of one that is not there. */
  get files(): readonly string[] {
    return [...this.#files];
  }

  /** Runs a module, and what it imports. */
  async import(url: string): Promise<unknown> {
    const hooks = registerHooks({
      resolve: (specifier, context, next) => {
        const { parentURL } = context;
        if (parentURL?.endsWith(this.#mark) !== true || !OWN.test(specifier)) return next(specifier, context);
        const asked = specifier.startsWith('#') ? undefined : new URL(specifier, parentURL).href;
        let resolved: ReturnType<typeof next>;
        try {
          resolved = next(specifier, context);
        } catch (error) {
          if (asked !== undefined) this.#note(asked);
          throw error;
        }
        if (resolved.format?.startsWith('commonjs') === true) return resolved;
        // Links count, and what they lead to.
        if (asked !== undefined) this.#note(asked);
        return this.#note(resolved.url) ? { ...resolved, url: resolved.url + this.#mark } : resolved;
      },
    });
    try {
      return await import(url + this.#mark);
    } finally {
      hooks.deregister();
    }
  }

  /** Text in which modules are named as they are. */
  clean(text: string): string {
    return text.replaceAll(this.#mark, '');
  }

  /** Whether it is a file that may change. */
  #note(url: string): boolean {
    if (!url.startsWith('file:') || url.includes(INSTALLED)) return false;
    this.#files.add(fileURLToPath(url));
    return true;
  }
}
