import { join } from 'node:path';
import { type Child, startChild, waitFor } from './child-process.ts';

export interface Upstream {
  readonly child: Child;
  readonly port: number;
}

/** Starts the small service of this folder, or another one, in a process of its own. */
export async function startUpstream({
  cpu,
  program = 'upstream-program.ts',
  environment = {},
}: {
  readonly cpu?: number;
  readonly program?: string;
  readonly environment?: Readonly<Record<string, string>>;
} = {}): Promise<Upstream> {
  let port: number | undefined;
  const child = startChild([process.execPath, join(import.meta.dirname, program)], {
    cpu,
    environment,
    onLine: (line) => {
      const match = /^port (\d+)$/.exec(line);
      if (match !== null) port = Number(match[1]);
    },
  });
  return { child, port: await waitFor(child, 'the upstream listens', () => port) };
}
