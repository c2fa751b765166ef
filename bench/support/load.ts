import { join } from 'node:path';
import { type Child, startChild, waitFor } from './child-process.ts';
import type { LoadFigures, LoadPlan } from './load-program.ts';

/** A running load generator. */
export class Load {
  readonly #child: Child;
  readonly #figures: LoadFigures[] = [];

  constructor(plan: LoadPlan, options: { readonly cpu?: number } = {}) {
    const program = join(import.meta.dirname, 'load-program.ts');
    this.#child = startChild([process.execPath, program, JSON.stringify(plan)], {
      cpu: options.cpu,
      onLine: (line, stream) => {
        if (stream === 'stdout') this.#figures.push(JSON.parse(line));
      },
    });
  }

  /** What happened since the last time, or since the start. */
  async take(): Promise<LoadFigures> {
    this.#child.say('take');
    return waitFor(this.#child, 'the load generator answers', () => this.#figures.shift(), { everyMs: 1 });
  }

  end(): Promise<void> {
    return this.#child.end();
  }
}
