/**
 * Answers that a function of the user composes. It stands in a module of its own, since each thread needs it: a function in a
 * configuration could not go from thread to thread.
 */
import { pathToFileURL } from 'node:url';
import type { CallOutcome } from '#http/exchange.ts';

/** The answer of a call. */
export interface ComposedCall {
  readonly outcome: CallOutcome;
  /** 0: there was none. */
  readonly status: number;
  /** What its body means in JavaScript, read when it is asked for; `undefined` where there is none. Numbers beyond 2^53 lose digits. */
  readonly body: unknown;
  /** The body as the service wrote it. */
  readonly text: string | undefined;
  /** A field of the answer. */
  header(name: string): string | undefined;
}

export interface ComposeRequest {
  readonly method: string;
  readonly path: string;
  /** Without `?`. */
  readonly query: string;
  /** What the route's path has captured, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** Name of whoever asks, where a policy knows it. */
  readonly consumer: string | undefined;
  /** The JSON body; `undefined` where there is none. */
  readonly body: unknown;
  header(name: string): string | undefined;
}

export interface ReplySettings {
  readonly status?: number;
  /** Besides those of the configuration. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a function has made, with a status and fields of its own. */
export class ComposedReply {
  readonly body: unknown;
  readonly settings: ReplySettings;

  constructor(body: unknown, settings: ReplySettings) {
    this.body = body;
    this.settings = settings;
  }
}

export interface ComposeInput {
  readonly calls: Readonly<Record<string, ComposedCall>>;
  readonly request: ComposeRequest;
  /** For an answer with another status, or with fields of its own. */
  reply(body: unknown, settings: ReplySettings): ComposedReply;
}

/** Returns the body of the answer, which is written as JSON, or what `reply` gives. */
export type Compose = (input: ComposeInput) => unknown;

export interface FunctionPlace {
  readonly file: string;
  readonly name: string;
}

/**
 * The function, or what stands in its way. A module is run again when its text has changed; those that it imports are kept by the
 * runtime until the process ends.
 */
export async function loadCompose({ file, name }: FunctionPlace, text: string): Promise<Compose | { readonly problem: string }> {
  // Whoever has no such function does without it.
  const { hash } = await import('node:crypto');
  const url = `${pathToFileURL(file).href}?text=${hash('sha256', text, 'hex').slice(0, 16)}`;
  try {
    const module: Readonly<Record<string, unknown>> = await import(url);
    const found = module[name];
    if (typeof found === 'function') return found as Compose;
    const exported = Object.keys(module).join(', ');
    return { problem: `exports no function \`${name}\`; it exports ${exported === '' ? 'nothing' : exported}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { problem: `cannot be run: ${reason.split('\n')[0]}` };
  }
}
