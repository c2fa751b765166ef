/** What the parts of a store ask of its connection. */
import type { Clock } from '#base/clock.ts';
import type { CommandPart } from '#wire/redis/command.ts';
import { type Reply, ReplyError } from '#wire/redis/reply-reader.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { Script } from './script.ts';

export class StoreCalls {
  readonly #connection: RedisConnection;
  readonly #clock: Clock;
  readonly #timeoutMs: number;

  constructor(connection: RedisConnection, { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number }) {
    this.#connection = connection;
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  get isReady(): boolean {
    return this.#connection.isReady;
  }

  /** Runs a script. `undefined`: it did not run, or not in time. False: it was not asked, and `onReply` is not called. */
  run(
    script: Script,
    { keys, values }: { readonly keys: readonly string[]; readonly values: readonly CommandPart[] },
    onReply: (reply: Reply | undefined) => void,
  ): boolean {
    const deadlineMs = this.#clock.monotonicMs() + this.#timeoutMs;
    return script.run(this.#connection, { keyCount: keys.length, rest: [...keys, ...values], deadlineMs }, (reply) => {
      if (reply instanceof ReplyError) this.#connection.tellRefusal(reply);
      onReply(reply instanceof ReplyError ? undefined : reply);
    });
  }

  /** Runs a script that answers with numbers; `undefined`: it did not. False: it was not asked, and `onNumbers` is not called. */
  count(
    script: Script,
    asked: { readonly keys: readonly string[]; readonly values: readonly string[] },
    onNumbers: (numbers: readonly number[] | undefined) => void,
  ): boolean {
    return this.run(script, asked, (reply) => {
      const isNumbers = Array.isArray(reply) && reply.every((item) => typeof item === 'number');
      onNumbers(isNumbers ? (reply as readonly number[]) : undefined);
    });
  }
}
