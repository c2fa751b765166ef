/** A stream of events from the API that opens itself again, and rests while nobody looks. */
import { ApiProblem, open } from './ask.ts';
import { EventText, type ServerEvent } from './event-text.ts';

export type StreamState = 'connecting' | 'live' | 'waiting' | 'hidden' | 'stopped';

export interface StreamListener {
  onEvent(event: ServerEvent): void;
  onState(state: StreamState, problem: ApiProblem | undefined): void;
}

const BACK_OFF_FIRST_MS = 500;
const BACK_OFF_MAX_MS = 10_000;

export class EventStream {
  readonly #path: string;
  readonly #listener: StreamListener;
  #opened: AbortController | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #failures = 0;
  #isStopped = false;

  constructor(path: string, listener: StreamListener) {
    this.#path = path;
    this.#listener = listener;
    document.addEventListener('visibilitychange', this.#onVisibility);
    this.#onVisibility();
  }

  stop(): void {
    this.#isStopped = true;
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#close();
    this.#listener.onState('stopped', undefined);
  }

  readonly #onVisibility = (): void => {
    if (document.visibilityState === 'hidden') {
      this.#close();
      this.#listener.onState('hidden', undefined);
    } else if (this.#opened === undefined) {
      this.#failures = 0;
      this.#close();
      void this.#run();
    }
  };

  #close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#opened?.abort();
    this.#opened = undefined;
  }

  async #run(): Promise<void> {
    const opened = new AbortController();
    this.#opened = opened;
    this.#listener.onState('connecting', undefined);
    let problem: ApiProblem | undefined;
    try {
      const response = await open(this.#path, { signal: opened.signal });
      this.#listener.onState('live', undefined);
      await this.#read(response, opened.signal);
    } catch (error) {
      if (opened.signal.aborted) return;
      problem = error instanceof ApiProblem ? error : new ApiProblem(0, 'BROKEN_STREAM', 'The connection to the gateway broke.');
    }
    if (opened.signal.aborted) return;
    // Where an event cannot be read, the gateway would go on sending.
    opened.abort();
    this.#opened = undefined;
    this.#openLater(problem);
  }

  async #read(response: Response, signal: AbortSignal): Promise<void> {
    const text = new EventText();
    const decoder = new TextDecoder();
    const reader = response.body!.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      this.#failures = 0;
      for (const event of text.add(decoder.decode(value, { stream: true }))) this.#listener.onEvent(event);
    }
  }

  #openLater(problem: ApiProblem | undefined): void {
    if (this.#isStopped) return;
    this.#listener.onState('waiting', problem);
    // Who may not will not be let in by asking again; a new token makes a new stream.
    if (problem !== undefined && (problem.status === 401 || problem.status === 403 || problem.status === 404)) return;
    const waitMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    // Many consoles shall not come back at the same moment.
    this.#timer = setTimeout(() => void this.#run(), waitMs * (0.75 + Math.random() / 2));
  }
}
