/** The phases of several methods as those of one policy. All but the first phase run for each method, whichever has accepted. */
import type { Exchange } from '#http/exchange.ts';
import type { PhaseResult, PolicyPhases } from '#pipeline/policy.ts';

type ChunkPhase = NonNullable<PolicyPhases['requestChunk']>;
type HeadPhase = NonNullable<PolicyPhases['requestHead']>;

/** Everything but `requestHead`. A phase that no method has is left out. No method changes answers on their way (`answerStage`). */
export function joinPhases(methods: readonly PolicyPhases[]): PolicyPhases {
  // An answer meets what stands later first, here as among policies.
  const reversed = methods.toReversed();
  return withoutAbsent({
    localAnswer: joinHeads(collect(methods, 'localAnswer')),
    requestChunk: joinChunks(collect(methods, 'requestChunk')),
    upstreamRequest: joinObservers(collect(methods, 'upstreamRequest')),
    upstreamResponseHead: joinObservers(collect(methods, 'upstreamResponseHead')),
    responseHead: joinObservers(collect(reversed, 'responseHead')),
    finish: joinObservers(collect(methods, 'finish')),
    queryCredentials: methods.flatMap(({ queryCredentials = [] }) => queryCredentials),
  });
}

type OptionalPhases = { readonly [Name in keyof PolicyPhases]: PolicyPhases[Name] | undefined };

function withoutAbsent(phases: OptionalPhases): PolicyPhases {
  return Object.fromEntries(Object.entries(phases).filter(([, phase]) => phase !== undefined));
}

function collect<Name extends Exclude<keyof PolicyPhases, 'queryCredentials'>>(
  methods: readonly PolicyPhases[],
  name: Name,
): NonNullable<PolicyPhases[Name]>[] {
  return methods.flatMap((phases) => {
    const phase = phases[name];
    return phase === undefined ? [] : [phase.bind(phases) as NonNullable<PolicyPhases[Name]>];
  });
}

function joinObservers<Rest extends readonly unknown[]>(
  phases: readonly ((exchange: Exchange, ...rest: Rest) => void)[],
): ((exchange: Exchange, ...rest: Rest) => void) | undefined {
  if (phases.length < 2) return phases[0];
  return (exchange, ...rest) => {
    for (const phase of phases) phase(exchange, ...rest);
  };
}

function joinChunks(phases: readonly ChunkPhase[]): ChunkPhase | undefined {
  if (phases.length < 2) return phases[0];
  return (exchange, chunk) => {
    for (const phase of phases) {
      const refusal = phase(exchange, chunk);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  };
}

function joinHeads(phases: readonly HeadPhase[]): HeadPhase | undefined {
  if (phases.length < 2) return phases[0];
  return (exchange) => runHeads(exchange, phases, 0);
}

function runHeads(exchange: Exchange, phases: readonly HeadPhase[], first: number): PhaseResult | Promise<PhaseResult> {
  for (let i = first; i < phases.length; i++) {
    const result = phases[i]!(exchange);
    if (result instanceof Promise)
      return result.then((settled) =>
        settled === undefined && !exchange.isFinished ? runHeads(exchange, phases, i + 1) : settled,
      );
    if (result !== undefined) return result;
  }
  return undefined;
}
