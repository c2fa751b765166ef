/** Tries methods one after the other until one accepts the request. */
import { type ErrorKind, GatewayError } from '#base/errors.ts';
import type { Consumer } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import type { Reply } from '#http/response.ts';
import type { PhaseResult, PolicyPhases } from '#pipeline/policy.ts';
import { anyOfErrors } from './errors.ts';

export interface Method {
  readonly name: string;
  readonly phases: PolicyPhases;
  /** What it refuses with when the request shows nothing that it looks for. */
  readonly missing: ErrorKind | undefined;
}

/** What the methods so far have said, none of which has accepted. */
interface Outcome {
  /** RFC 9110 §11.6.1: one challenge for each method that would do. */
  readonly challenges: string[];
  readonly reasons: Record<string, string>;
  /** A credential was shown and does not count. */
  isRefused: boolean;
  /** Where a method would send a browser to. */
  reply: Reply | undefined;
  /** It is not known whether a credential counts, or it counts and may not do this. */
  failure: GatewayError | undefined;
}

export class MethodTrial {
  readonly #methods: readonly Method[];
  readonly #anonymous: Consumer | undefined;

  constructor(methods: readonly Method[], anonymous: Consumer | undefined) {
    this.#methods = methods;
    this.#anonymous = anonymous;
  }

  run(exchange: Exchange): PhaseResult | Promise<PhaseResult> {
    return this.#runFrom(0, exchange, undefined);
  }

  #runFrom(first: number, exchange: Exchange, before: Outcome | undefined): PhaseResult | Promise<PhaseResult> {
    let outcome = before;
    for (let i = first; i < this.#methods.length; i++) {
      const method = this.#methods[i]!;
      const result = method.phases.requestHead?.(exchange);
      if (result === undefined) return undefined;
      if (result instanceof Promise) return this.#runLater(i, exchange, { result, outcome });
      outcome = note(outcome ?? createOutcome(), method, result);
    }
    return this.#settle(exchange, outcome ?? createOutcome());
  }

  async #runLater(
    index: number,
    exchange: Exchange,
    { result, outcome }: { readonly result: Promise<PhaseResult>; readonly outcome: Outcome | undefined },
  ): Promise<PhaseResult> {
    const settled = await result;
    // The client may have gone: then nobody is to be asked any more.
    if (settled === undefined || exchange.isFinished) return undefined;
    return this.#runFrom(index + 1, exchange, note(outcome ?? createOutcome(), this.#methods[index]!, settled));
  }

  #settle(exchange: Exchange, { challenges, reasons, isRefused, reply, failure }: Outcome): PhaseResult {
    // Before "does not count": a client whose credential could not be looked at would throw a good one away.
    if (failure !== undefined) return failure;
    if (isRefused) return anyOfErrors.refused(reasons, { fields: challenges });
    if (reply !== undefined) return reply;
    exchange.consumer ??= this.#anonymous;
    return this.#anonymous === undefined ? anyOfErrors.missing(undefined, { fields: challenges }) : undefined;
  }
}

function createOutcome(): Outcome {
  return { challenges: [], reasons: {}, isRefused: false, reply: undefined, failure: undefined };
}

function note(outcome: Outcome, { name, missing }: Method, result: Reply | GatewayError): Outcome {
  if (!(result instanceof GatewayError)) {
    outcome.reply ??= result;
    return outcome;
  }
  const { status, kind, detail, code, fields } = result;
  if (status !== 401) {
    outcome.failure ??= result;
    return outcome;
  }
  const isMissing = kind === missing;
  outcome.isRefused ||= !isMissing;
  outcome.reasons[name] = isMissing ? 'missing' : String(detail?.['reason'] ?? code);
  for (let i = 0; i < fields.length; i += 2)
    if (fields[i] === 'www-authenticate') outcome.challenges.push(fields[i]!, fields[i + 1]!);
  return outcome;
}
