/** Answers against what the document promises: looked at as they pass, or held until they are known to be right. */
import { ByteCollector } from '#base/byte-collector.ts';
import type { GatewayError } from '#base/errors.ts';
import type { AnswerStage, NextStage } from '#http/answer-stage.ts';
import type { Exchange } from '#http/exchange.ts';
import { hasResponseBody, type Reply, type ResponseHead } from '#http/response.ts';
import type { AnswerCheck } from '#pipeline/contract/answer-check.ts';
import type { MediaRule } from '#pipeline/contract/contract.ts';
import { joinFieldLines } from '#pipeline/contract/request-check.ts';
import type { Violation } from '#pipeline/contract/violation.ts';
import { RefusedAnswer } from '#pipeline/refused-answer.ts';
import { WholeAnswerStage } from '#pipeline/whole-answer.ts';
import type { ValidateConfig } from './config.ts';
import { validateErrors } from './errors.ts';

type AnswersConfig = NonNullable<ValidateConfig['answers']>;

/** The part in one answer; `undefined`: it has been looked at as far as it can be. */
export function createAnswerStage(
  exchange: Exchange,
  response: ResponseHead,
  { check, config }: { readonly check: AnswerCheck; readonly config: AnswersConfig },
): AnswerStage | undefined {
  const hasBody = hasResponseBody(exchange.request.method, response.status);
  const wrong = check.checkHead(response, hasBody);
  const error = toError(wrong);
  if (error !== undefined) return config.mode === 'report' ? report(exchange, error) : new RefusedAnswer(exchange, error);
  const media = hasBody ? check.findMedia(response) : undefined;
  if (media === undefined || !check.readsBody(media, response) || isPacked(response)) return undefined;
  const { maxBody } = config;
  if (response.contentLengthBytes !== undefined && response.contentLengthBytes > maxBody) return undefined;
  if (config.mode === 'report') return new WatchedAnswer(exchange, { check, media, bytesMax: maxBody });
  return new WholeAnswerStage(exchange, {
    bytesMax: maxBody,
    replace: (head, body) => toError(check.checkBody(media, head, body)) ?? toReply(head, body),
    onTooLong: () => undefined,
  });
}

function toError([first]: readonly Violation[]): GatewayError | undefined {
  if (first === undefined) return undefined;
  const { in: place, pointer, keyword, message } = first;
  return validateErrors.invalidAnswer({ in: place, pointer, keyword, message });
}

function report(exchange: Exchange, error: GatewayError): undefined {
  exchange.reported ??= error;
}

/** The service has been asked not to pack it. */
function isPacked({ fields }: ResponseHead): boolean {
  const coding = joinFieldLines(fields, 'content-encoding');
  return coding !== undefined && coding.toLowerCase() !== 'identity';
}

function toReply({ status, fields }: ResponseHead, body: Buffer): Reply {
  return { status, fields, contentLengthBytes: body.length, body };
}

interface Watching {
  readonly check: AnswerCheck;
  readonly media: MediaRule;
  readonly bytesMax: number;
}

/** Passes everything on as it comes, and looks at a copy when the end is there. */
class WatchedAnswer implements AnswerStage {
  readonly #exchange: Exchange;
  readonly #watching: Watching;
  #next!: NextStage;
  #head!: ResponseHead;
  readonly #collected = new ByteCollector();
  #bytes = 0;

  constructor(exchange: Exchange, watching: Watching) {
    this.#exchange = exchange;
    this.#watching = watching;
  }

  begin(response: ResponseHead, next: NextStage): void {
    // Those who shape the head behind us change the fields that the document speaks of.
    this.#head = { ...response, fields: [...response.fields] };
    this.#next = next;
    next.sendHead(response);
  }

  sendChunk(view: Buffer): boolean {
    this.#bytes += view.length;
    if (this.#bytes <= this.#watching.bytesMax) this.#collected.add(view);
    else this.#collected.clear();
    return this.#next.sendChunk(view);
  }

  flush(): boolean {
    return this.#next.flush();
  }

  sendEnd(trailers: readonly string[] | undefined): void {
    const { check, media, bytesMax } = this.#watching;
    if (this.#bytes <= bytesMax) {
      const error = toError(check.checkBody(media, this.#head, this.#collected.take()));
      if (error !== undefined) report(this.#exchange, error);
    }
    this.#next.sendEnd(trailers);
  }

  onDrained(): void {
    this.#next.askForMore();
  }

  abandon(): void {
    this.#collected.clear();
  }
}
