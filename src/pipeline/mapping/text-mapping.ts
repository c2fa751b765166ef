/** Texts with references of mappings, filled in for the place where they go. */
import type { MappingText } from '#schema/mapping-node.ts';
import type { TemplateVariable } from '#schema/template.ts';
import { encodeFor, renderVariable, type TemplatePlace } from '../render-template.ts';
import { type MappingProblem, MappingRun, type MappingScope } from './mapping-run.ts';
import { isThere } from './operators.ts';
import { compileReference, type ReadReference } from './read-reference.ts';

type Part = string | TemplateVariable | ReadReference;

export class TextMapping {
  readonly #source: string;
  readonly #parts: readonly Part[];

  constructor({ parts, source }: MappingText) {
    this.#source = source;
    this.#parts = parts.map((part) => {
      if (typeof part === 'string') return part;
      // What a request says is written as templates write it: a path stays encoded as it came.
      return part.shape === 'request' ? part.variable : compileReference(part, []);
    });
  }

  /** What is missing is empty; each value stays one value at its place. */
  render(scope: MappingScope, place: TemplatePlace, lengthMax: number): string | MappingProblem {
    const run = new MappingRun(scope, lengthMax);
    let text = '';
    for (const part of this.#parts) {
      const piece = renderPart(part, run, place);
      if (run.problem === undefined) run.spendText(piece.length, this.#source);
      if (run.problem !== undefined) return run.problem;
      text += piece;
    }
    return text;
  }
}

function renderPart(part: Part, run: MappingRun, place: TemplatePlace): string {
  if (typeof part === 'string') return part;
  if (typeof part !== 'function') return renderVariable(part, run.scope.exchange, place);
  const value = part(run);
  return isThere(value) ? encodeFor(value.text, place) : '';
}
