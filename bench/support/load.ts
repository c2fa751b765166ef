import { join } from 'node:path';
import { type Child, startChild, waitFor } from './child-process.ts';
import type { LoadFigures } from './latency-window.ts';
import type { LoadPlan } from './load-program.ts';

/** A running load generator. */
export class Load {
  readonly #child: Child;
  readonly #figures: LoadFigures[] = [];

  /** `program` is a file of this folder that takes such a plan and answers as `load-program.ts` does. */
  constructor(plan: LoadPlan, { cpu, program = 'load-program.ts' }: { readonly cpu?: number; readonly program?: string } = {}) {
    this.#child = startChild([process.execPath, join(import.meta.dirname, program), JSON.stringify(plan)], {
      cpu,
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
