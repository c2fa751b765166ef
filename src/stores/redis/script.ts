/** A script that the server runs as one step. It is sent once and then called by its hash, and sent again where it was forgotten. */
import { hash } from 'node:crypto';
import type { CommandPart } from '#wire/redis/command.ts';
import { ReplyError } from '#wire/redis/reply-reader.ts';
import type { OnReply, RedisConnection } from './redis-connection.ts';

export class Script {
  readonly #text: string;
  readonly #sha1: string;

  constructor(text: string) {
    this.#text = text;
    this.#sha1 = hash('sha1', text);
  }

  /** As `RedisConnection.send`; `rest` are the keys and arguments. `deadlineMs` holds for both questions together. */
  run(
    connection: RedisConnection,
    {
      keyCount,
      rest,
      deadlineMs,
    }: { readonly keyCount: number; readonly rest: readonly CommandPart[]; readonly deadlineMs: number },
    onReply: OnReply,
  ): boolean {
    const count = String(keyCount);
    return connection.send(
      ['EVALSHA', this.#sha1, count, ...rest],
      (reply) => {
        const isUnknown = reply instanceof ReplyError && reply.text.startsWith('NOSCRIPT');
        if (!isUnknown) return onReply(reply);
        if (!connection.send(['EVAL', this.#text, count, ...rest], onReply, deadlineMs)) onReply(undefined);
      },
      deadlineMs,
    );
  }
}
