/** The console at the admin address. Its files, and the code that answers them, are loaded with the first request for one. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ConsoleFiles } from './console-files.ts';

/** Everything else is asked for by probes and programs. */
export function isConsolePath(path: string): boolean {
  return path === '/' || path === '/index.html' || path.startsWith('/assets/');
}

export class AdminConsole {
  readonly #onFault: (error: unknown) => void;
  #files: Promise<ConsoleFiles> | undefined;

  constructor(onFault: (error: unknown) => void) {
    this.#onFault = onFault;
  }

  answer(path: string, request: IncomingMessage, response: ServerResponse): void {
    this.#files ??= import('./console-files.ts').then(({ ConsoleFiles }) => ConsoleFiles.load());
    this.#files
      .then((files) => {
        // One that was not built may be built meanwhile.
        if (!files.isBuilt) this.#files = undefined;
        files.answer(path, request, response);
      })
      .catch((error: unknown) => {
        this.#files = undefined;
        this.#onFault(error);
        response.destroy();
      });
  }
}
