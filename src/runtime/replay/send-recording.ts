/** Sends recorded requests to a service or a gateway, at a rate that is bounded, and compares what it answers. */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { type DiffRules, diffAnswers } from '#http/answer-diff/answer-diff.ts';
import { toFieldList, toSentBytes } from '#telemetry/recording/recorded-bytes.ts';
import type { RecordedExchange, RecordedFields } from '#telemetry/recording/recorded-exchange.ts';
import { getField } from '#wire/fields/field-list.ts';
import { type ComparedReplay, toComparedPlain, toComparedRecorded, toTelling } from './compare-decisions.ts';
import { toAnswerChange } from './replay-change.ts';

export interface SendOptions {
  /** Whose origin requests are sent to; a path before theirs. */
  readonly to: URL;
  readonly timeoutMs: number;
  readonly concurrency: number;
  /** In upper case. */
  readonly methods: readonly string[];
  /** Instead of those that were replaced in the recording, and of those with the same names. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Requests name the host of the recording, or that of `to`. */
  readonly keepsHost: boolean;
}

const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

interface LiveAnswer {
  readonly status: number;
  readonly fields: readonly string[];
  readonly body: Buffer;
}

export class RecordingSender {
  readonly #options: SendOptions;
  readonly #rules: DiffRules;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(options: SendOptions, rules: DiffRules) {
    this.#options = options;
    this.#rules = rules;
    const agent = { keepAlive: true, maxSockets: options.concurrency };
    this.#agent = options.to.protocol === 'https:' ? new HttpsAgent(agent) : new HttpAgent(agent);
  }

  /** A text: why it is not sent. */
  async replay(recorded: RecordedExchange): Promise<ComparedReplay | string> {
    const { method, target, body } = recorded.request;
    if (!this.#options.methods.includes(method)) return `the method ${method} is not sent`;
    if (!target.startsWith('/')) return 'the request is not for a path';
    if (recorded.answer.status === 0) return 'it has no answer to compare with';
    const { bytes, isWhole } = toSentBytes(body);
    if (!isWhole) return 'the body of the request is not kept as a whole';
    const outcome = await this.#send(recorded, bytes);
    if (typeof outcome === 'string') {
      const changes = [{ what: 'no answer', before: String(recorded.answer.status), after: outcome }];
      return { changes, differences: [], uncompared: undefined };
    }
    const answer = toComparedPlain(outcome.status, outcome.fields, outcome.body);
    const compared = method === 'HEAD' ? { ...answer, body: undefined } : answer;
    const { differences, uncompared } = diffAnswers(toComparedRecorded(recorded), compared, this.#rulesFor(outcome));
    const shown = toTelling(differences);
    return { changes: shown.map(toAnswerChange), differences: shown, uncompared: method === 'HEAD' ? undefined : uncompared };
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Problem documents of a gateway name the request. */
  #rulesFor({ fields }: LiveAnswer): DiffRules {
    const rules = this.#rules;
    if (!(getField(fields, 'content-type') ?? '').startsWith('application/problem+json')) return rules;
    return { ...rules, json: { ...rules.json, ignored: [...rules.json.ignored, ['requestId']] } };
  }

  #send(recorded: RecordedExchange, body: Buffer): Promise<LiveAnswer | string> {
    const { to, timeoutMs } = this.#options;
    const { method, target } = recorded.request;
    return new Promise((resolve) => {
      const fail = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message);
      const options = {
        method,
        host: to.hostname.replace(/^\[|\]$/g, ''),
        port: to.port === '' ? undefined : to.port,
        path: to.pathname.replace(/\/$/, '') + target,
        headers: this.#toHeaders(recorded, body),
        agent: this.#agent,
        signal: AbortSignal.timeout(timeoutMs),
      };
      const start = to.protocol === 'https:' ? requestHttps : requestHttp;
      const sent: ClientRequest = start(options, (response) => {
        response.on('error', fail);
        collect(response).then(resolve, fail);
      });
      sent.on('error', fail);
      sent.end(body);
    });
  }

  #toHeaders({ request }: RecordedExchange, body: Buffer): string[] {
    const { to, headers, keepsHost } = this.#options;
    const own = new Set(headers.map(([name]) => name));
    const host = keepsHost && request.authority !== '' ? request.authority : to.host;
    const kept = request.headers.filter(([name, value]) => !own.has(name) && isSent(name, value));
    const length = body.length > 0 ? ['content-length', String(body.length)] : [];
    return ['host', host, ...toFieldList(kept as RecordedFields), ...toFieldList(headers), ...length];
  }
}

const framing: ReadonlySet<string> = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'expect',
  'upgrade',
  'te',
]);

/** A digest is no credential. */
function isSent(name: string, value: string): boolean {
  return !framing.has(name) && !value.includes('redacted:');
}

async function collect(response: IncomingMessage): Promise<LiveAnswer | string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of response as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > ANSWER_BYTES_MAX) return 'the answer is too long';
    pieces.push(piece);
  }
  const body = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (const piece of pieces) at += piece.copy(body, at);
  const fields = response.rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
  return { status: response.statusCode ?? 0, fields, body };
}
