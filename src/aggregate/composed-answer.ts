/** The answer of an aggregate: composed of what has come, marked where something has not, and sent. */
import { createHash } from 'node:crypto';
import { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { hasResponseBody } from '#http/response.ts';
import { Mapping } from '#pipeline/mapping/mapping.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import { hasField, setField } from '#wire/fields/field-list.ts';
import type { AggregateContext } from './aggregate-context.ts';
import { aggregateErrors } from './aggregate-errors.ts';
import { renderTexts } from './call-request.ts';
import { type Compose, ComposedReply, type ReplySettings } from './compose-function.ts';
import { FunctionInput } from './function-input.ts';
import { joinPieces } from './join-pieces.ts';
import { findReplyProblem, toReplyFields } from './reply-fields.ts';

/** Names the calls whose answers are missing. */
const PARTIAL_FIELD = 'gatehouse-partial';
const CLOSING_BRACE = 0x7d;
const OPENING_BRACE = 0x7b;

interface ComposedBody {
  readonly pieces: readonly Buffer[];
  /** What a function wants beside it. */
  readonly settings: ReplySettings | undefined;
}

export class ComposedAnswer {
  readonly #run: AggregateContext;
  #pieces: readonly Buffer[] = [];
  #sentCount = 0;
  #isEnded = false;

  constructor(run: AggregateContext) {
    this.#run = run;
  }

  send(): void {
    const { exchange, aggregate } = this.#run;
    const { answer } = aggregate;
    try {
      if (answer instanceof Mapping) this.#end(this.#map(answer));
      else this.#ask(answer);
    } catch (thrown) {
      rescueThrown(exchange, thrown);
    }
  }

  /** The client takes more again. */
  goOn(): void {
    const { exchange } = this.#run;
    while (this.#sentCount < this.#pieces.length && !exchange.isFinished) {
      const piece = this.#pieces[this.#sentCount]!;
      this.#sentCount += 1;
      if (!exchange.answer.sendChunk(piece)) return;
    }
    if (exchange.isFinished || this.#sentCount > this.#pieces.length) return;
    this.#sentCount = this.#pieces.length + 1;
    exchange.answer.sendEnd(undefined);
  }

  #end(composed: ComposedBody | GatewayError): void {
    const { exchange } = this.#run;
    // A function may come too late.
    if (this.#isEnded || this.#run.isOver || exchange.isFinished) return;
    this.#isEnded = true;
    if (composed instanceof GatewayError) rescue(exchange, composed);
    else this.#reply(composed);
  }

  #map(answer: Mapping): ComposedBody | GatewayError {
    const { definition } = this.#run.aggregate;
    const result = answer.run(this.#run, definition.answerBytesMax);
    if (!('problem' in result)) return { pieces: result.pieces, settings: undefined };
    const detail = { reason: result.problem, at: result.at };
    return result.problem === 'too-large' ? aggregateErrors.answerTooLong(detail) : aggregateErrors.missingValue(detail);
  }

  /** The function may wait, for as long as there is time. */
  #ask(compose: Compose): void {
    const { exchange, aggregate } = this.#run;
    const input = new FunctionInput(exchange, this.#run.calls, this.#run.readJson(['body']));
    const cancel = aggregate.later(Math.max(1, this.#run.leftMs()), () => {
      this.#end(aggregateErrors.composeFailed({ reason: 'timeout', setting: aggregate.limit.setting }));
    });
    exchange.attach({ release: cancel });
    Promise.try(compose, input)
      .then((made) => {
        cancel();
        this.#end(this.#write(made));
      })
      .catch((thrown: unknown) => {
        cancel();
        const reason = thrown instanceof Error ? thrown.message : String(thrown);
        this.#end(aggregateErrors.composeFailed({ reason }, { cause: thrown }));
      });
  }

  #write(made: unknown): ComposedBody | GatewayError {
    const { answerBytesMax } = this.#run.aggregate.definition;
    const isReply = made instanceof ComposedReply;
    const problem = isReply ? findReplyProblem(made.settings) : undefined;
    if (problem !== undefined) return aggregateErrors.composeFailed({ reason: problem });
    const body = isReply ? made.body : made;
    const json = JSON.stringify(body ?? null);
    if (json === undefined) return aggregateErrors.composeFailed({ reason: `${typeof body} has no form in JSON` });
    const bytes = Buffer.from(json);
    if (bytes.length > answerBytesMax) return aggregateErrors.answerTooLong({ bytes: bytes.length, bytesMax: answerBytesMax });
    return { pieces: [bytes], settings: isReply ? made.settings : undefined };
  }

  #reply({ pieces: composed, settings }: ComposedBody): void {
    const { exchange, partial, aggregate } = this.#run;
    const { hasEtag, partialField } = aggregate.definition;
    const status = settings?.status ?? aggregate.definition.status;
    const fields = settings === undefined ? [] : toReplyFields(settings);
    const problem = renderTexts(aggregate.headers, this.#run, fields);
    if (problem !== undefined) return rescue(exchange, problem.error);
    if (!hasField(fields, 'content-type')) fields.push('content-type', 'application/json');
    let pieces = composed;
    if (partial !== undefined) {
      fields.push(PARTIAL_FIELD, partial.join(', '));
      // What is missing may be there the next time, so nobody keeps this.
      setField(fields, 'cache-control', 'no-store');
      if (partialField !== undefined) pieces = [addMember(joinPieces(composed), partialField, partial)];
    } else if (hasEtag && !hasField(fields, 'etag')) {
      const etag = toEtag(pieces);
      fields.push('etag', etag);
      if (status === 200 && isKnown(exchange.field('if-none-match'), exchange.request.method, etag)) {
        exchange.source = undefined;
        return exchange.sendReply({ status: 304, fields, contentLengthBytes: undefined, body: undefined });
      }
    }
    this.#sendBody({ status, fields }, pieces);
  }

  /** A small body is written in one piece with the head. */
  #sendBody({ status, fields }: { readonly status: number; readonly fields: string[] }, pieces: readonly Buffer[]): void {
    const { exchange } = this.#run;
    if (!hasResponseBody('GET', status)) {
      exchange.source = undefined;
      return exchange.sendReply({ status, fields, contentLengthBytes: status === 304 ? undefined : 0, body: undefined });
    }
    let length = 0;
    for (const piece of pieces) length += piece.length;
    if (length <= limits.joinedWriteBytesMax) {
      exchange.source = undefined;
      return exchange.sendReply({ status, fields, contentLengthBytes: length, body: joinPieces(pieces) });
    }
    this.#pieces = exchange.request.method === 'HEAD' ? [] : pieces;
    exchange.sendHead({ status, fields, contentLengthBytes: length });
    this.goOn();
  }
}

/** An object with one member more; everything else stays as it is. */
function addMember(json: Buffer, name: string, names: readonly string[]): Buffer {
  if (json[0] !== OPENING_BRACE || json.at(-1) !== CLOSING_BRACE) return json;
  const comma = json.length > 2 ? ',' : '';
  const member = `${comma}${JSON.stringify(name)}:${JSON.stringify(names)}}`;
  return joinPieces([json.subarray(0, -1), Buffer.from(member)]);
}

function toEtag(pieces: readonly Buffer[]): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return `"${hash.digest('base64url').slice(0, 27)}"`;
}

/** RFC 9110 §13.1.2: compared weakly, and of interest where nothing is changed. */
function isKnown(known: string | undefined, method: string, etag: string): boolean {
  if (known === undefined || (method !== 'GET' && method !== 'HEAD')) return false;
  return known.split(',').some((each) => each.trim().replace(/^W\//, '') === etag || each.trim() === '*');
}
