/** Requests whose client shows a token: how they are handled is said with their answer, or in its place. */
import type { Clock } from '#base/clock.ts';
import type { Secret } from '#base/secret.ts';
import { defineSlot, type Exchange } from '#http/exchange.ts';
import { ExchangeJournal } from '#http/exchange-journal.ts';
import type { ResponseHead } from '#http/response.ts';
import { setField } from '#wire/fields/field-list.ts';
import { summarise } from './debug-summary.ts';
import { coversPath, type DebugGrant, readDebugToken } from './debug-token.ts';
import type { DocumentOrder, ExchangeSeen } from './watching-messages.ts';

/** What its token lets the client of an exchange see. */
const grantSlot = defineSlot<DebugGrant>('debug token');

export class Debugging {
  readonly #clock: Clock;
  /** `undefined`: no token counts. */
  key: Secret | undefined = undefined;

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /** Whether the client of an exchange that begins is to be told. One whose token is of no use notices nothing. */
  begin(exchange: Exchange): boolean {
    const { debugToken, path } = exchange.request;
    if (debugToken === undefined || this.key === undefined) return false;
    const grant = readDebugToken(debugToken, this.key, this.#clock.wallMs());
    if (grant === undefined || !coversPath(grant, path)) return false;
    exchange.set(grantSlot, grant);
    exchange.journal ??= new ExchangeJournal(this.#clock);
    exchange.noteAnswer = (response) => this.#addSummary(exchange, response);
    return true;
  }

  /** Whether the document of an exchange that is over is to be kept. */
  finish(exchange: Exchange): ExchangeSeen['debug'] {
    const grant = exchange.noteAnswer === undefined ? undefined : exchange.get(grantSlot);
    return grant?.sees === 'document' && coversRoute(grant, exchange) ? 'kept' : undefined;
  }

  answer(_order: DocumentOrder): void {}

  close(): void {}

  #addSummary(exchange: Exchange, response: ResponseHead): void {
    const grant = exchange.get(grantSlot);
    if (grant === undefined || !coversRoute(grant, exchange)) return;
    const summary = summarise(exchange, this.#clock.monotonicMs());
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
