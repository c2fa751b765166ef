/** Requests whose client shows a token: how they are handled is said with their answer, or in its place. */
import type { Clock } from '#base/clock.ts';
import { createIdSource } from '#base/ids.ts';
import type { Secret } from '#base/secret.ts';
import { DocumentClient, type DocumentOwner } from '#http/document-client.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import { ExchangeJournal } from '#http/exchange-journal.ts';
import { type ExchangeRecord, toExchangeRecord } from '#http/exchange-record.ts';
import type { ResponseHead } from '#http/response.ts';
import { SecretNames } from '#http/secret-names.ts';
import { setField } from '#wire/fields/field-list.ts';
import { summarise } from './debug-summary.ts';
import { coversPath, type DebugGrant, readDebugToken } from './debug-token.ts';
import { type DocumentOrder, type ExchangeSeen, toWatchedRequest } from './watching-messages.ts';

/** What its token lets the client of an exchange see. */
const grantSlot = defineSlot<DebugGrant>('debug token');

/** For the control thread to explain an exchange; then the client is told what this thread knows. */
const DOCUMENT_MS = 5_000;
/** Documents that a thread waits for. */
const PENDING_MAX = 100;

interface PendingDocument {
  readonly client: DocumentClient;
  readonly record: ExchangeRecord;
  readonly timer: NodeJS.Timeout;
}

export interface DebuggingOptions {
  readonly clock: Clock;
  /** Tells the control thread. */
  tell(seen: ExchangeSeen): void;
}

export class Debugging implements DocumentOwner {
  readonly #options: DebuggingOptions;
  readonly #pending = new Map<string, PendingDocument>();
  readonly #nextId = createIdSource();
  /** `undefined`: no token counts. */
  key: Secret | undefined = undefined;
  /** By which it is known what clients are not shown. */
  names = new SecretNames();

  constructor(options: DebuggingOptions) {
    this.#options = options;
  }

  /** Whether the client of an exchange that begins is to be told. One whose token is of no use notices nothing. */
  begin(exchange: Exchange): boolean {
    const { debugToken, debugAnswer, path, method } = exchange.request;
    const { clock } = this.#options;
    if (debugToken === undefined || this.key === undefined) return false;
    const grant = readDebugToken(debugToken, this.key, clock.wallMs());
    if (grant === undefined || !coversPath(grant, path)) return false;
    exchange.set(grantSlot, grant);
    exchange.journal ??= new ExchangeJournal(clock);
    exchange.noteAnswer = (response) => this.#addSummary(exchange, response);
    if (debugAnswer === 'document' && grant.sees === 'document' && method !== 'HEAD') new DocumentClient(exchange, this);
    return true;
  }

  /** Whether the document of an exchange that is over is to be kept. */
  keeps(exchange: Exchange): boolean {
    const grant = exchange.noteAnswer === undefined ? undefined : exchange.get(grantSlot);
    return grant?.sees === 'document' && coversRoute(grant, exchange);
  }

  answer({ id, text }: DocumentOrder): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    pending.client.answer(text);
  }

  close(): void {
    for (const { timer } of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
  }

  // For those that are given a document in the place of the answer

  wantsDocument(exchange: Exchange): boolean {
    return this.keeps(exchange);
  }

  onAnswerOver(client: DocumentClient): void {
    const { exchange, answerBytes } = client;
    const { clock, tell } = this.#options;
    const nowMs = clock.monotonicMs();
    exchange.journal?.end(nowMs);
    const seen = { ...toExchangeRecord(exchange, clock.wallMs() - nowMs, this.names), responseBytes: answerBytes };
    const record = { ...seen, durationMs: Math.round((nowMs - exchange.startedMs) * 1_000) / 1_000 };
    const id = this.#nextId();
    if (this.#pending.size >= PENDING_MAX) return client.answer(toDocumentText(record));
    const giveUp = () => this.answer({ kind: 'debug-document', id, text: toDocumentText(record) });
    this.#pending.set(id, { client, record, timer: setTimeout(giveUp, DOCUMENT_MS).unref() });
    const request = toWatchedRequest(exchange);
    tell({ kind: 'exchange', record, request, taps: [], hasFailed: false, isKept: false, documentId: id });
  }

  #addSummary(exchange: Exchange, response: ResponseHead): void {
    const grant = exchange.get(grantSlot);
    if (grant === undefined || !coversRoute(grant, exchange)) return;
    const summary = summarise(exchange, this.#options.clock.monotonicMs());
    const fields = [...response.fields];
    setField(fields, 'gatehouse-debug', summary);
    // A cache on the way would tell everybody.
    setField(fields, 'cache-control', 'no-store');
    // Another list than before: this one may be shared.
    response.fields = fields;
  }
}

function coversRoute({ route }: DebugGrant, { plan }: Exchange): boolean {
  return route === undefined || plan?.routeName === route;
}

function toDocumentText(record: ExchangeRecord): string {
  return `${JSON.stringify({ live: record }, undefined, 2)}\n`;
}
