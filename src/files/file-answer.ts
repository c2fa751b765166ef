/**
 * One answer with a file: finds it, and sends it piece by piece, each when the client has taken the one before, so that it costs the memory of
 * one piece however long the file is. Reads happen in Node's threads for files; this one goes on meanwhile.
 */
import { read } from 'node:fs';
import { promisify } from 'node:util';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { AnswerSource, Exchange } from '#http/exchange.ts';
import type { Reply } from '#http/response.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import { closeFile, isUnchanged } from './file-folder.ts';
import type { FileMemory } from './file-memory.ts';
import { filesErrors } from './files-errors.ts';
import type { OpenedFile } from './opening.ts';
import { type BodyPart, type Representation, represent } from './representation.ts';
import type { FoundFile, ServedFiles } from './served-files.ts';

const readFile = promisify(read);
const noBytes = Buffer.alloc(0);

export interface FileMeans {
  readonly clock: Clock;
  readonly memory: FileMemory;
  /** Long files that the thread has open. */
  readonly openFiles: OpenFileCount;
  /** A text that is in no file. */
  readonly nextBoundary: () => string;
}

export class OpenFileCount {
  count = 0;
}

export class FileAnswer implements AnswerSource {
  readonly #exchange: Exchange;
  readonly #files: ServedFiles;
  readonly #means: FileMeans;
  #isGone = false;
  #onDrained: (() => void) | undefined = undefined;

  constructor(exchange: Exchange, files: ServedFiles, means: FileMeans) {
    this.#exchange = exchange;
    this.#files = files;
    this.#means = means;
  }

  start(): void {
    this.#exchange.source = this;
    this.#answer().catch((thrown) => rescueThrown(this.#exchange, thrown));
  }

  onRequestChunk(): void {
    // The body of a request for a file means nothing, and is not let flow.
  }

  onRequestFlush(): void {
    // As above.
  }

  onRequestEnd(): void {
    // As above.
  }

  onClientDrained(): void {
    this.#onDrained?.();
  }

  onClientGone(): void {
    this.#isGone = true;
    this.#onDrained?.();
  }

  async #answer(): Promise<void> {
    const exchange = this.#exchange;
    const found = await this.#files.find(exchange.request, exchange.pathRest);
    if (found.kind === 'file') {
      try {
        if (!this.#isGone) await this.#answerWith(found);
      } finally {
        closeFile(found.file);
      }
    } else if (!this.#isGone) {
      if (found.kind === 'error') rescue(exchange, found.error);
      // RFC 9110 §15.4.9: the method stays; the folder may get another index, or become a file.
      else exchange.sendReply({ status: 307, fields: ['location', found.location], contentLengthBytes: 0, body: undefined });
    }
  }

  async #answerWith(found: FoundFile): Promise<void> {
    const exchange = this.#exchange;
    const { clock, nextBoundary } = this.#means;
    const representation = represent(exchange.request, found, { nowMs: clock.wallMs(), nextBoundary });
    const { status, fields, bodyBytes } = representation;
    if (status === 412) return rescue(exchange, filesErrors.preconditionFailed(undefined, { fields }));
    if (status === 416) return rescue(exchange, filesErrors.rangeNotSatisfiable(undefined, { fields }));
    if (status === 304) return exchange.sendReply({ status, fields, contentLengthBytes: undefined, body: undefined });
    if (exchange.request.method === 'HEAD' || bodyBytes === 0)
      return exchange.sendReply({ status, fields, contentLengthBytes: bodyBytes, body: undefined });
    if (found.file.content !== undefined) return exchange.sendReply(toReply(found.file.content, representation));
    const { openFiles } = this.#means;
    if (openFiles.count >= limits.filesOpenMax) return rescue(exchange, filesErrors.tooManyOpen());
    openFiles.count += 1;
    try {
      await this.#sendLong(found.file, representation);
    } finally {
      openFiles.count -= 1;
    }
  }

  async #sendLong(file: OpenedFile, { status, fields, parts, tail, bodyBytes }: Representation): Promise<void> {
    const exchange = this.#exchange;
    exchange.sendHead({ status, fields, contentLengthBytes: bodyBytes });
    const buffer = Buffer.allocUnsafeSlow(limits.fileReadBytes);
    for (const part of parts) {
      if (part.lead !== undefined) await this.#send(part.lead);
      if (this.#isGone) return;
      // The last bytes wait until it is certain that they belong to the others.
      if (!(await this.#sendPart(file, part, { buffer, isLast: part === parts.at(-1) }))) return;
    }
    if (tail !== undefined) await this.#send(tail);
    if (!this.#isGone) exchange.answer.sendEnd(undefined);
  }

  /** False: nothing more is to be sent. */
  async #sendPart(
    file: OpenedFile,
    { start, end }: BodyPart,
    means: { readonly buffer: Buffer; readonly isLast: boolean },
  ): Promise<boolean> {
    const { buffer, isLast } = means;
    let position = start;
    while (position < end && !this.#isGone) {
      const { bytesRead } = await readFile(file.fd, buffer, 0, Math.min(buffer.length, end - position), position);
      position += bytesRead;
      if (this.#isGone) return false;
      const isWhole = bytesRead > 0 && (position < end || !isLast || (await isUnchanged(file)));
      if (!isWhole) rescue(this.#exchange, filesErrors.changed());
      if (this.#isGone || !isWhole) return false;
      await this.#send(buffer.subarray(0, bytesRead));
    }
    return !this.#isGone;
  }

  /** Resolves when the bytes are taken, or when nobody waits for them any more. */
  #send(view: Buffer): Promise<void> | undefined {
    if (this.#exchange.answer.sendChunk(view) || this.#isGone) return undefined;
    return new Promise((resolve) => {
      this.#onDrained = () => {
        this.#onDrained = undefined;
        resolve();
      };
    });
  }
}

/** A view of the content where that is possible: it is the same for all, and nobody changes it. */
function toReply(content: Buffer, { status, fields, parts, tail, bodyBytes }: Representation): Reply {
  const [first, ...others] = parts;
  const isOne = first !== undefined && first.lead === undefined && others.length === 0;
  const pieces = isOne ? [] : parts.flatMap(({ lead, start, end }) => [lead ?? noBytes, content.subarray(start, end)]);
  const body = isOne ? content.subarray(first.start, first.end) : Buffer.concat([...pieces, tail ?? noBytes], bodyBytes);
  return { status, fields, contentLengthBytes: bodyBytes, body };
}
