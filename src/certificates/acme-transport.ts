/**
 * How requests reach an ACME directory: over HTTPS, with a limit for time and size, with an authority of the user's choice,
 * and so that a refusal keeps its type and the time for which not to ask again.
 */
import { Agent, request } from 'node:https';
import { AcmeProblem, readProblem } from './acme-problem.ts';

export interface TransportOptions {
  /** PEM. Without it, the authorities of the system. */
  readonly ca: string | undefined;
  /** Ends whatever is under way. */
  readonly signal: AbortSignal;
  wallMs(): number;
}

export interface TransportRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface TransportResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** How long the answer asks to wait before asking again; 0 when it does not say. */
  readonly retryAfterMs: number;
}

const TIMEOUT_MS = 30_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
const CONNECTIONS_MAX = 2;
const SHOWN_TEXT_MAX = 200;

export class AcmeTransport {
  readonly #options: TransportOptions;
  readonly #agent: Agent;
  /** That of the last answer, for those who see answers through the library only. */
  retryAfterMs = 0;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: CONNECTIONS_MAX,
      ...(options.ca !== undefined && { ca: options.ca }),
    });
  }

  /** Resolves with an answer that says yes, and with `badNonce`, after which the same is asked again (RFC 8555 §6.5). */
  async send(asked: TransportRequest): Promise<TransportResponse> {
    const response = await this.#exchange(asked);
    this.retryAfterMs = response.retryAfterMs;
    if (response.status < 300) return response;
    const problem = readProblem(readJson(response.text));
    if (problem?.type === 'badNonce') return response;
    const where = `${asked.method.toUpperCase()} ${asked.url}`;
    const said = problem?.text ?? response.text.slice(0, SHOWN_TEXT_MAX).replaceAll(/\s+/g, ' ').trim();
    throw new AcmeProblem(`${where} answered ${response.status}${said === '' ? '' : `: ${said}`}`, {
      type: problem?.type ?? (response.status === 429 ? 'rateLimited' : undefined),
      retryAfterMs: response.retryAfterMs,
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange({ url, method, headers, body }: TransportRequest): Promise<TransportResponse> {
    const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(TIMEOUT_MS)]);
    return new Promise((resolve, reject) => {
      const fail = (error: Error) =>
        reject(new AcmeProblem(`${url} cannot be reached: ${explain(error, signal)}`, { cause: error }));
      const sent = request(
        url,
        { method, headers: { ...headers, ...lengthOf(body) }, agent: this.#agent, signal },
        (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => {
            text += part;
            if (text.length > ANSWER_BYTES_MAX) response.destroy(new AcmeProblem('the answer is too long'));
          });
          response.on('error', fail);
          response.on('end', () => {
            const received = toHeaders(response.headers);
            const retryAfterMs = this.#readRetryAfterMs(received['retry-after']);
            resolve({ status: response.statusCode ?? 0, headers: received, text, retryAfterMs });
          });
        },
      );
      sent.on('error', fail);
      sent.end(body);
    });
  }

  /** RFC 9110 §10.2.3: seconds, or a date. */
  #readRetryAfterMs(value: string | undefined): number {
    if (value === undefined) return 0;
    const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1_000 : Date.parse(value) - this.#options.wallMs();
    return Number.isFinite(ms) ? Math.max(0, ms) : 0;
  }
}

/** The value of an answer, which the transport keeps short; `undefined` for anything but JSON. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A page of a proxy, say. Its text is shown where it matters.
    return undefined;
  }
}

function explain(error: Error, signal: AbortSignal): string {
  if (signal.aborted && signal.reason instanceof Error && signal.reason.name === 'TimeoutError')
    return `no answer within ${TIMEOUT_MS / 1_000} seconds`;
  // Several addresses were tried in vain: their errors say more than the one around them.
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map((one: unknown) => (one instanceof Error ? one.message : String(one))).join('; ');
  return error.message;
}

function lengthOf(body: string | undefined): Readonly<Record<string, string>> {
  return body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
}

function toHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const entries = Object.entries(headers).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined);
  return Object.fromEntries(entries.map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]));
}
