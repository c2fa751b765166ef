/** Which calls wait for which others: found from what they refer to, never written down a second time. */

/** For each call, the indices of those that it waits for. */
export type CallDependencies = readonly (readonly number[])[];

/** Calls that may run at the same time, in the order in which they can; a cycle has no such order. */
export type CallOrder = { readonly stages: readonly (readonly number[])[] } | { readonly cycle: readonly number[] };

export function orderCalls(dependencies: CallDependencies): CallOrder {
  const stageOf = new Map<number, number>();
  const stages: number[][] = [];
  let waiting = [...dependencies.keys()];
  while (waiting.length > 0) {
    const ready = waiting.filter((index) => dependencies[index]!.every((other) => stageOf.has(other)));
    if (ready.length === 0) return { cycle: findCycle(waiting[0]!, dependencies, stageOf) };
    for (const index of ready) stageOf.set(index, stages.length);
    stages.push(ready);
    waiting = waiting.filter((index) => !stageOf.has(index));
  }
  return { stages };
}

/** Each that cannot be ordered waits for another such one, so going from one to the next comes round. */
function findCycle(start: number, dependencies: CallDependencies, ordered: ReadonlyMap<number, number>): number[] {
  const walked: number[] = [];
  let index = start;
  while (!walked.includes(index)) {
    walked.push(index);
    index = dependencies[index]!.find((other) => !ordered.has(other))!;
  }
  return [...walked.slice(walked.indexOf(index)), index];
}
