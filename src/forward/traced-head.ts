import type { Exchange } from '#http/exchange.ts';
import type { TracedAttempt } from '#http/exchange-trace.ts';
import type { AttemptHead } from '#http/upstream-call.ts';

/** The head with what it says of the trace, which takes the place of what the client said. Without a trace, the head as it is. */
export function traceHead(head: AttemptHead, { trace, request }: Exchange, attempt: TracedAttempt | undefined): AttemptHead {
  if (trace === undefined) return head;
  const { method, target, authority, timeouts } = head;
  const fields = trace.cleanFields(head.fields, request.fields);
  return { method, target, authority, fields, timeouts, trace: trace.sendTo(attempt, method, target) };
}
