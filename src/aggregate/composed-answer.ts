/** The answer of an aggregate: composed of what has come, marked where something has not, and sent. */
import { createHash } from 'node:crypto';
import { GatewayError } from '#base/errors.ts';
import { limits } from '#base/limits.ts';
import { Mapping } from '#pipeline/mapping/mapping.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import { hasField, setField } from '#wire/fields/field-list.ts';
import type { AggregateContext } from './aggregate-context.ts';
import { aggregateErrors } from './aggregate-errors.ts';
import { renderTexts } from './call-request.ts';
import { joinPieces } from './join-pieces.ts';

/** Names the calls whose answers are missing. */
const PARTIAL_FIELD = 'gatehouse-partial';
const CLOSING_BRACE = 0x7d;
const OPENING_BRACE = 0x7b;

export class ComposedAnswer {
  readonly #run: AggregateContext;
  #pieces: readonly Buffer[] = [];
  #sentCount = 0;

  constructor(run: AggregateContext) {
    this.#run = run;
  }

  send(): void {
    const { exchange } = this.#run;
    try {
      const body = this.#compose();
      if (body instanceof GatewayError) return rescue(exchange, body);
      this.#reply(body);
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

  #compose(): readonly Buffer[] | GatewayError {
    const { answer, definition } = this.#run.aggregate;
    if (!(answer instanceof Mapping)) return aggregateErrors.composeFailed();
    const result = answer.run(this.#run, definition.answerBytesMax);
    if (!('problem' in result)) return result.pieces;
    const detail = { reason: result.problem, at: result.at };
    return result.problem === 'too-large' ? aggregateErrors.answerTooLong(detail) : aggregateErrors.missingValue(detail);
  }

  #reply(composed: readonly Buffer[]): void {
    const { exchange, partial, aggregate } = this.#run;
    const { status, hasEtag, partialField } = aggregate.definition;
    const fields: string[] = [];
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
