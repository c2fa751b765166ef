/** Where a request ends in several calls, whose answers are composed into one. */
import { GatewayError } from '#base/errors.ts';
import type { Exchange } from '#http/exchange.ts';
import { readRequestBody } from '#http/request-body.ts';
import type { RoutePlan, Terminal } from '#pipeline/plan.ts';
import { rescue, rescueThrown } from '#pipeline/rescue.ts';
import { readJson } from '#wire/json/json-document.ts';
import type { AggregateDefinition } from './aggregate-definition.ts';
import { aggregateErrors } from './aggregate-errors.ts';
import { AggregateRun } from './aggregate-run.ts';
import { type AggregateMeans, type CompiledAggregate, compileAggregate } from './compiled-aggregate.ts';

export class AggregateTerminal implements Terminal {
  readonly services: readonly string[];
  readonly #aggregate: CompiledAggregate;

  constructor(route: string, definition: AggregateDefinition, means: AggregateMeans) {
    this.services = [...new Set(definition.calls.map(({ service }) => service))];
    this.#aggregate = compileAggregate(route, definition, means);
  }

  start(exchange: Exchange, plan: RoutePlan): void {
    const { requestBytesMax } = this.#aggregate.definition;
    if (requestBytesMax === undefined) new AggregateRun(exchange, plan, this.#aggregate, undefined).start();
    else
      void readRequestBody(exchange, requestBytesMax)
        .then((body) => this.#startWith(body, exchange, plan))
        .catch((thrown) => rescueThrown(exchange, thrown));
  }

  #startWith(body: Buffer | GatewayError, exchange: Exchange, plan: RoutePlan): void {
    if (exchange.isDecided) return;
    if (body instanceof GatewayError) return rescue(exchange, body);
    const read = body.length === 0 ? undefined : readJson(body);
    if (read !== undefined && 'reason' in read) {
      const publicDetail = `${read.reason} at byte ${read.atByte}`;
      return rescue(exchange, aggregateErrors.malformedBody({ ...read }, { publicDetail }));
    }
    new AggregateRun(exchange, plan, this.#aggregate, read?.root).start();
  }
}
