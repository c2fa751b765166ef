/** Where a request ends with a file of a folder. */
import type { Exchange } from '#http/exchange.ts';
import type { Terminal } from '#pipeline/plan.ts';
import { rescue } from '#pipeline/rescue.ts';
import { FileAnswer, type FileMeans } from './file-answer.ts';
import type { FilesDefinition } from './files-definition.ts';
import { filesErrors } from './files-errors.ts';
import { ServedFiles } from './served-files.ts';

export class FilesTerminal implements Terminal {
  readonly #files: ServedFiles;
  readonly #means: FileMeans;

  constructor(definition: FilesDefinition, means: FileMeans) {
    this.#files = new ServedFiles(definition, means);
    this.#means = means;
  }

  start(exchange: Exchange): void {
    const { method } = exchange.request;
    // RFC 9110 §15.5.6: who asks otherwise is told what is possible.
    if (method === 'GET' || method === 'HEAD') new FileAnswer(exchange, this.#files, this.#means).start();
    else rescue(exchange, filesErrors.methodNotAllowed({ method }, { fields: ['allow', 'GET, HEAD'] }));
  }
}
