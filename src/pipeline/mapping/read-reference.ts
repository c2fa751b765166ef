/** The values of references, as JSON and as text. */
import { findClaim } from '#http/claims.ts';
import type { MappingReference } from '#schema/mapping-node.ts';
import { readJson } from '#wire/json/json-document.ts';
import { type JsonName, toJsonName } from '#wire/json/json-name.ts';
import { hasVariable, renderVariable } from '../render-template.ts';
import type { MappingRun } from './mapping-run.ts';
import { MadeNumber, MadeText, type MappingValue } from './mapping-value.ts';

export type ReadReference = (run: MappingRun) => MappingValue | undefined;

/** `items`: names of the items around the reference, from the outside in. */
export function compileReference(reference: MappingReference, items: readonly string[]): ReadReference {
  const read = compileReading(reference, items);
  if (!reference.isRequired) return read;
  return (run) => read(run) ?? run.fail('missing', reference.source);
}

function compileReading(reference: MappingReference, items: readonly string[]): ReadReference {
  switch (reference.shape) {
    case 'request':
      return compileVariable(reference);
    case 'text':
      return ({ scope }) => toValue(scope.readText(reference.root));
    case 'json': {
      const steps = reference.steps.map(toJsonName);
      return (run) => follow(run, run.scope.readJson(reference.root), steps);
    }
    case 'item': {
      // The innermost of this name.
      const place = items.lastIndexOf(reference.name);
      const steps = reference.steps.map(toJsonName);
      return (run) => follow(run, run.items[place], steps);
    }
    default:
      return reference satisfies never;
  }
}

/** Claims keep their kind; everything else of a request is text. */
function compileVariable({ variable, source }: Extract<MappingReference, { shape: 'request' }>): ReadReference {
  if (variable.kind !== 'claim')
    return (run) => {
      const { exchange } = run.scope;
      if (!hasVariable(variable, exchange)) return undefined;
      const text = renderVariable(variable, exchange, 'text');
      return run.spendSteps(text.length, source) ? new MadeText(text) : undefined;
    };
  return (run) => {
    const { consumer } = run.scope.exchange;
    const claim = consumer === undefined ? undefined : findClaim(consumer.claims, variable.name);
    const json = claim === undefined ? undefined : JSON.stringify(claim);
    if (json === undefined || !run.spendSteps(json.length, source)) return undefined;
    const document = readJson(Buffer.from(json));
    return 'root' in document ? document.root : undefined;
  };
}

function toValue(value: string | number | undefined): MappingValue | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'number' ? new MadeNumber(String(value)) : new MadeText(value);
}

function follow(run: MappingRun, from: MappingValue | undefined, steps: readonly JsonName[]): MappingValue | undefined {
  let value = from;
  for (let i = 0; i < steps.length && value !== undefined; i++) {
    value = value.step(steps[i]!, run);
    if (!run.spendSteps(0, steps[i]!.text)) return undefined;
  }
  return value;
}
