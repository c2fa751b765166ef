/**
 * One connection to a Redis server, for all that a thread asks of it. Commands are written one behind the other and
 * answered in order. Nobody waits longer than the time-out says, and nobody waits at all while the server is known to be
 * away: then commands are refused at once, and a connection is tried in the background until one is answered.
 */
import type { Socket } from 'node:net';
import type { Clock } from '#base/clock.ts';
import { limits } from '#base/limits.ts';
import type { Logger } from '#base/logger.ts';
import { type CommandPart, encodeCommand } from '#wire/redis/command.ts';
import { type Reply, ReplyError, ReplyReader } from '#wire/redis/reply-reader.ts';

/** From the first packet to the last answer of the greeting. */
const CONNECT_MS_MAX = 1_000;
/** How soon a connection that was lost is opened again for the first time; then twice as late, up to the pause. */
const RECONNECT_FIRST_MS = 20;
const TIMER_MS_MIN = 1;
const REASON_LENGTH_MAX = 100;
const REFUSALS_TOLD_EVERY_MS = 10_000;

export interface RedisConnectionSettings {
  /** For people: host and port. */
  readonly address: string;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly timeoutMs: number;
  /** So many commands in a row without an answer end the connection. */
  readonly failuresMax: number;
  /** How long nothing is asked after that. */
  readonly pauseMs: number;
}

export interface RedisConnectionMeans {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Runs something once when the time has passed; what is returned calls it off. */
  readonly later: (delayMs: number, run: () => void) => () => void;
  /** Begins a connection, which says `readyEvent` when commands may be sent. */
  readonly connect: () => Socket;
  readonly readyEvent: 'connect' | 'secureConnect';
}

/** `undefined`: there is no answer, or none in time. Whether the server has done what it was asked is not known. */
export type OnReply = (reply: Reply | undefined) => void;

/** A command whose answer is still to come. */
class Sent {
  readonly deadlineMs: number;
  /** Nobody any more, once it has waited for too long. */
  onReply: OnReply | undefined;

  constructor(deadlineMs: number, onReply: OnReply) {
    this.deadlineMs = deadlineMs;
    this.onReply = onReply;
  }
}

type State = 'connecting' | 'ready' | 'away' | 'closing' | 'closed';

export class RedisConnection {
  readonly #settings: RedisConnectionSettings;
  readonly #means: RedisConnectionMeans;
  #state: State = 'away';
  #socket: Socket | undefined;
  #reader: ReplyReader;
  /** In the order in which the server answers. */
  #sent: Sent[] = [];
  /** Those in front have been answered. */
  #answered = 0;
  #unwritten: CommandPart[] = [];
  #failures = 0;
  #reconnectMs = RECONNECT_FIRST_MS;
  #sweepAtMs = Number.POSITIVE_INFINITY;
  #stopSweep = () => {};
  #stopTimer = () => {};
  #toldReason = '';
  #refusalToldMs = Number.NEGATIVE_INFINITY;
  readonly #firstAttempt = Promise.withResolvers<void>();

  constructor(settings: RedisConnectionSettings, means: RedisConnectionMeans) {
    this.#settings = settings;
    this.#means = means;
    this.#reader = this.#createReader();
    this.#open();
  }

  get isReady(): boolean {
    return this.#state === 'ready';
  }

  /** Resolves when the first connection is there, or has failed. */
  get firstAttempt(): Promise<void> {
    return this.#firstAttempt.promise;
  }

  /** How many commands have not been answered. */
  get sentCount(): number {
    return this.#sent.length - this.#answered;
  }

  /** False: nothing is sent, and `onReply` is not called. */
  send(command: readonly CommandPart[], onReply: OnReply, deadlineMs = this.#toDeadline()): boolean {
    if (this.#state !== 'ready' || this.sentCount >= limits.storeCommandsMax) return false;
    if (this.#socket!.writableLength > limits.storeUnwrittenBytesMax) return false;
    this.#write(command, new Sent(deadlineMs, onReply));
    return true;
  }

  /** The server has answered that it does not do something: told now and then. */
  tellRefusal({ text }: ReplyError): void {
    const nowMs = this.#means.clock.monotonicMs();
    if (nowMs - this.#refusalToldMs < REFUSALS_TOLD_EVERY_MS) return;
    this.#refusalToldMs = nowMs;
    this.#tell('warn', 'store refuses commands', text);
  }

  /** Sends nothing more; ends when all is answered, or has waited for too long. */
  close(): void {
    if (this.#state === 'closed' || this.#state === 'closing') return;
    const mayWait = this.#state === 'ready' && this.sentCount > 0;
    this.#state = 'closing';
    if (!mayWait) this.#end();
  }

  #toDeadline(): number {
    return this.#means.clock.monotonicMs() + this.#settings.timeoutMs;
  }

  #open(): void {
    this.#state = 'connecting';
    const { connect, readyEvent, later } = this.#means;
    const socket = connect();
    this.#socket = socket;
    this.#reader = this.#createReader();
    const fail = (reason: string) => this.#lose(socket, reason);
    this.#stopTimer = later(CONNECT_MS_MAX, () => fail(`no connection within ${CONNECT_MS_MAX} ms`));
    socket.setNoDelay(true);
    socket.on('error', (error: NodeJS.ErrnoException) => fail(error.code ?? error.message));
    socket.on('close', () => fail('the connection was closed'));
    socket.on('data', (view: Buffer) => this.#onData(socket, view));
    socket.once(readyEvent, () => {
      if (this.#socket === socket) this.#greet(socket);
    });
    // A program that embeds the gateway may end.
    socket.unref();
  }

  #greet(socket: Socket): void {
    const { username, password, database } = this.#settings;
    const commands: CommandPart[][] = [];
    if (password !== undefined) commands.push(username === undefined ? ['AUTH', password] : ['AUTH', username, password]);
    if (database !== 0) commands.push(['SELECT', String(database)]);
    // One that is still loading its data answers this with an error.
    commands.push(['PING']);
    let answers = 0;
    const onReply = (reply: Reply | undefined) => {
      if (this.#socket !== socket || reply === undefined) return;
      answers += 1;
      if (reply instanceof ReplyError) this.#lose(socket, reply.text);
      else if (answers === commands.length) this.#becomeReady();
    };
    for (const command of commands) this.#write(command, new Sent(Number.POSITIVE_INFINITY, onReply));
  }

  #becomeReady(): void {
    this.#stopTimer();
    this.#state = 'ready';
    this.#failures = 0;
    this.#reconnectMs = RECONNECT_FIRST_MS;
    this.#firstAttempt.resolve();
    if (this.#toldReason !== '') this.#tell('info', 'store answers again');
    this.#toldReason = '';
  }

  #createReader(): ReplyReader {
    return new ReplyReader(limits.storeValueBytesMax, (reply) => this.#onReply(reply));
  }

  #onData(socket: Socket, view: Buffer): void {
    if (this.#socket !== socket) return;
    const problem = this.#reader.read(view);
    if (problem !== undefined) this.#distrust(socket, problem);
  }

  /** What comes behind could be anybody's answer, and a new connection may be no better. */
  #distrust(socket: Socket, problem: string): void {
    if (this.#socket !== socket) return;
    this.#reconnectMs = this.#settings.pauseMs;
    this.#lose(socket, problem);
  }

  #onReply(reply: Reply): void {
    const sent = this.#sent[this.#answered];
    if (sent === undefined) {
      if (this.#socket !== undefined) this.#distrust(this.#socket, 'an answer that nobody asked for');
      return;
    }
    this.#answered += 1;
    if (this.#answered === this.#sent.length) {
      this.#sent = [];
      this.#answered = 0;
    } else if (this.#answered >= limits.storeCommandsMax) {
      this.#sent = this.#sent.slice(this.#answered);
      this.#answered = 0;
    }
    const { onReply } = sent;
    if (onReply !== undefined) {
      this.#failures = 0;
      onReply(reply);
    }
    if (this.#state === 'closing' && this.sentCount === 0) this.#end();
  }

  #write(command: readonly CommandPart[], sent: Sent): void {
    this.#sent.push(sent);
    if (sent.deadlineMs < this.#sweepAtMs) this.#sweepAt(sent.deadlineMs);
    if (this.#unwritten.length === 0) setImmediate(() => this.#flush());
    this.#unwritten.push(...encodeCommand(command));
  }

  /** What all requests of one turn ask goes out together. */
  #flush(): void {
    const pieces = this.#unwritten;
    this.#unwritten = [];
    const socket = this.#socket;
    if (socket === undefined || !socket.writable) return;
    socket.cork();
    let text = '';
    for (const piece of pieces) {
      if (typeof piece === 'string') {
        text += piece;
        continue;
      }
      if (text !== '') socket.write(text);
      text = '';
      socket.write(piece);
    }
    if (text !== '') socket.write(text);
    socket.uncork();
  }

  #sweepAt(atMs: number): void {
    const { later, clock } = this.#means;
    this.#stopSweep();
    this.#sweepAtMs = atMs;
    // Where this thread itself was busy for long, the answers are there already: they are read first.
    const run = () => void setImmediate(() => this.#sweep());
    this.#stopSweep = later(Math.max(TIMER_MS_MIN, Math.ceil(atMs - clock.monotonicMs())), run);
  }

  /** Lets go who has waited for too long. The answer may still come, and is for nobody then. */
  #sweep(): void {
    const nowMs = this.#means.clock.monotonicMs();
    this.#sweepAtMs = Number.POSITIVE_INFINITY;
    let nextMs = Number.POSITIVE_INFINITY;
    const late: OnReply[] = [];
    for (let i = this.#answered; i < this.#sent.length; i++) {
      const sent = this.#sent[i]!;
      if (sent.onReply === undefined) continue;
      if (sent.deadlineMs > nowMs) {
        nextMs = Math.min(nextMs, sent.deadlineMs);
        continue;
      }
      late.push(sent.onReply);
      sent.onReply = undefined;
    }
    if (nextMs !== Number.POSITIVE_INFINITY) this.#sweepAt(nextMs);
    this.#failures += late.length;
    const { failuresMax, timeoutMs, pauseMs } = this.#settings;
    if (this.#state === 'closing' && late.length > 0) this.#end();
    else if (this.#failures >= failuresMax && this.#socket !== undefined) {
      this.#reconnectMs = pauseMs;
      this.#lose(this.#socket, `no answer within ${timeoutMs} ms, ${this.#failures} times in a row`);
    }
    for (const onReply of late) onReply(undefined);
  }

  /** The connection is of no use any more; another one is tried later. */
  #lose(socket: Socket, reason: string): void {
    if (this.#socket !== socket) return;
    if (this.#state === 'closing') return this.#end();
    const wasReady = this.#state === 'ready';
    this.#state = 'away';
    const { pauseMs } = this.#settings;
    const delayMs = Math.min(this.#reconnectMs, pauseMs);
    this.#reconnectMs = delayMs * 2;
    // While it stays away for the same reason, that is told once.
    if (wasReady || reason !== this.#toldReason) this.#tell('warn', 'store is away', reason);
    this.#toldReason = reason;
    this.#drop();
    this.#firstAttempt.resolve();
    this.#stopTimer = this.#means.later(delayMs, () => this.#open());
  }

  #end(): void {
    this.#state = 'closed';
    this.#drop();
    this.#firstAttempt.resolve();
  }

  #drop(): void {
    this.#stopTimer();
    this.#stopSweep();
    this.#sweepAtMs = Number.POSITIVE_INFINITY;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
    const unanswered = this.#sent.slice(this.#answered);
    this.#sent = [];
    this.#answered = 0;
    this.#unwritten = [];
    this.#failures = 0;
    for (const { onReply } of unanswered) onReply?.(undefined);
  }

  #tell(level: 'info' | 'warn', message: string, reason?: string): void {
    const { address } = this.#settings;
    const told = reason === undefined ? {} : { reason: reason.slice(0, REASON_LENGTH_MAX) };
    this.#means.logger.log(level, message, { store: 'redis', address, ...told });
  }
}
