/** What collectors answer to a message of spans. */
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';

/** How many spans of a message a collector says that it has left out. */
export function readRejectedCount(answer: Buffer): number {
  try {
    return Number(ProtobufTraceSerializer.deserializeResponse(answer).partialSuccess?.rejectedSpans ?? 0);
  } catch {
    // What a collector says that nobody understands changes nothing of what it has taken.
    return 0;
  }
}
