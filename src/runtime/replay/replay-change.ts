/** What is different when an exchange is replayed, in few words that are the same for all exchanges with the same change. */
import { type Difference, describePlace } from '#http/answer-diff/difference.ts';

export interface ReplayChange {
  /** `route`, `status`, `policy authorize`, `sent field x-tier`, `answer body /items/*\/price`. */
  readonly what: string;
  /** Of decisions, which are few; bodies and fields differ from exchange to exchange. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
}

/** By what an exchange is grouped with others. */
export function toGroupKey(changes: readonly ReplayChange[]): string {
  return JSON.stringify([...new Set(changes.map(describeChange))]);
}

export function describeChange({ what, before, after }: ReplayChange): string {
  if (before === undefined && after === undefined) return what;
  return `${what}: ${before ?? '(none)'} → ${after ?? '(none)'}`;
}

/** Items of a list differ alike, and statuses are worth telling. */
export function toAnswerChange(difference: Difference): ReplayChange {
  const { part, kind, before, after } = difference;
  if (part === 'status') return { what: 'status', before, after };
  const place = describePlace(difference).replaceAll(/\/\d+(?=\/|$)/g, '/*');
  return { what: `answer ${place}${kind === 'changed' ? '' : ` ${kind}`}` };
}
