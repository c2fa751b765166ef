/** An aggregate in a few lines, for explanations: which calls run at the same time, and which wait for which. */
import { formatDuration } from '#schema/duration-text.ts';
import type { AggregateDefinition, CallDefinition } from './aggregate-definition.ts';
import { orderCalls } from './call-graph.ts';

/** One line for each stage, and one for what makes the answer. */
export function describeAggregate({ calls, answer, timeoutMs }: AggregateDefinition): string[] {
  const order = orderCalls(calls.map(({ after }) => after));
  const stages = 'stages' in order ? order.stages : [];
  const lines = stages.map(
    (stage, i) => `stage ${i + 1}: ${stage.map((index) => describeCall(calls[index]!, calls)).join('; ')}`,
  );
  const made = answer.kind === 'mapping' ? 'a mapping' : `the function ${answer.name} of ${answer.file}`;
  return [...lines, `answer made by ${made}, for which all calls have ${formatDuration(timeoutMs)}`];
}

function describeCall(call: CallDefinition, calls: readonly CallDefinition[]): string {
  const { name, method, service, path, after, each, when, optional, cacheMs, timeoutMs } = call;
  const facts = [formatDuration(timeoutMs)];
  if (after.length > 0) facts.push(`waits for ${after.map((index) => calls[index]!.name).join(', ')}`);
  if (each !== undefined) facts.push(`for each item, ${each.itemsMax} at the most and ${each.atOnceMax} at a time`);
  if (when !== undefined) facts.push(when.kind === 'expression' ? `when ${when.text}` : 'where its condition holds');
  if (cacheMs > 0) facts.push(`kept for ${formatDuration(cacheMs)}`);
  if (optional !== undefined) facts.push(`may fail${describeStandIn(optional)}`);
  return `${name} = ${method} ${path.source} of ${service} (${facts.join(', ')})`;
}

function describeStandIn({ value, lastGoodMs }: NonNullable<CallDefinition['optional']>): string {
  const instead = [...(lastGoodMs > 0 ? ['the last good answer'] : []), ...(value === undefined ? [] : ['a fixed value'])];
  return instead.length === 0 ? '' : `: then ${instead.join(', else ')}`;
}
