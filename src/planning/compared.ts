/** Two configurations beside each other, and what all comparisons need of them. */

import type { Configuration } from '#config/configuration.ts';
import type { IssuePath } from '#config/issue.ts';
import type { WrittenConfiguration } from '#config/load.ts';
import type { CompiledRoutes } from '#routing/route-compiler.ts';
import { DifferenceWriter, findDifferences, readAt } from './value-differences.ts';

export interface ComparedSide {
  readonly configuration: Configuration;
  readonly compiledRoutes: CompiledRoutes;
  /** As its author wrote it. */
  readonly written: Pick<WrittenConfiguration, 'value'>;
}

export class Compared {
  readonly old: ComparedSide;
  readonly new: ComparedSide;
  readonly #writer: DifferenceWriter;

  constructor(old: ComparedSide, present: ComparedSide) {
    this.old = old;
    this.new = present;
    this.#writer = new DifferenceWriter(old.configuration, present.configuration);
  }

  /** What is different at a path, in the words of the authors; where those are the same, in those of the gateway. */
  describe(oldPath: IssuePath, newPath: IssuePath = oldPath): string[] {
    const written = findDifferences(readAt(this.old.written.value, oldPath), readAt(this.new.written.value, newPath));
    const differences =
      written.length > 0
        ? written
        : findDifferences(readAt(this.old.configuration, oldPath), readAt(this.new.configuration, newPath));
    return differences.slice(0, DETAILS_MAX).map((difference) => this.#writer.write(difference));
  }
}

const DETAILS_MAX = 12;
