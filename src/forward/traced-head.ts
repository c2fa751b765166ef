import type { Exchange } from '#http/exchange.ts';
import type { TracedAttempt } from '#http/exchange-trace.ts';
import type { AttemptHead } from '#http/upstream-call.ts';

/** Adds to a head what it says of the trace, which takes the place of what the client said. Without a trace, it stays as it is. */
export function traceHead(head: AttemptHead, { trace, request }: Exchange, attempt: TracedAttempt | undefined): void {
  if (trace === undefined) return;
  head.fields = trace.cleanFields(head.fields, request.fields);
  head.trace = trace.sendTo(attempt, head.method, head.target);
}
