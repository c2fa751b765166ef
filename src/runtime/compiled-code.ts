/** Keeps V8's compiled code for the next start, where the executable has asked Node to (bin/gatehouse). */
import { flushCompileCache } from 'node:module';

/** Long enough for the first requests to have their code compiled too. */
const QUIET_AFTER_MS = 2_000;

/** Node writes it when a process ends by itself; one that is killed would leave nothing behind. Each thread keeps its own. */
export function keepCompiledCode(): void {
  setTimeout(() => flushCompileCache(), QUIET_AFTER_MS).unref();
}
