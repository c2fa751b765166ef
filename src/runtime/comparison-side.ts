/** Collects what the threads have found when they compared answers to copies: counts, and a few examples of each difference. */
import type {
  ComparedPlace,
  ComparisonAdministration,
  ComparisonExample,
  RouteComparison,
} from '#admin/comparison-administration.ts';
import type { Clock } from '#base/clock.ts';
import { formatMetric } from '#base/metric-text.ts';
import { type Difference, describePlace } from '#http/answer-diff/difference.ts';
import { SecretNames, schemeAndCredential, tokenText } from '#http/secret-names.ts';
import { hideSecretParameters } from '#http/shown-request.ts';
import type { AnswerComparisonOutcome } from '#pipeline/comparison/answer-comparison.ts';
import type { ComparisonResult } from '#pipeline/comparison/comparison-results.ts';

/** From a thread. */
export interface ComparedAnswers extends AnswerComparisonOutcome {
  readonly kind: 'compared';
}

/** Routes with mirrors that are told of one by one. */
const ROUTES_MAX = 500;
const PLACES_MAX = 100;
const EXAMPLES_MAX = 3;
const HIDDEN = '(hidden)';

interface PlaceCount {
  readonly place: string;
  readonly kind: Difference['kind'];
  count: number;
  readonly examples: ComparisonExample[];
}

interface RouteCounts {
  readonly route: string;
  readonly service: string;
  readonly sinceMs: number;
  readonly results: Record<ComparisonResult, number>;
  readonly places: Map<string, PlaceCount>;
  furtherDifferences: number;
}

export class ComparisonSide implements ComparisonAdministration {
  readonly #clock: Clock;
  readonly #routes = new Map<string, RouteCounts>();
  /** Whose values are not shown. */
  names = new SecretNames();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(compared: ComparedAnswers): void {
    const counts = this.#countsOf(compared);
    if (counts === undefined) return;
    counts.results[compared.result] += 1;
    for (const difference of compared.differences) this.#addDifference(counts, difference, compared);
  }

  list(): RouteComparison[] {
    return [...this.#routes.values()].map(({ route, service, sinceMs, results, places, furtherDifferences }) => ({
      route,
      service,
      since: toTime(sinceMs),
      results: { ...results },
      differences: [...places.values()].sort((one, other) => other.count - one.count) satisfies ComparedPlace[],
      furtherDifferences,
    }));
  }

  get metricsText(): string {
    if (this.#routes.size === 0) return '';
    const values = [...this.#routes.values()].flatMap(({ route, service, results }) =>
      Object.entries(results).map(([result, value]) => ({ labels: { route, service, result }, value })),
    );
    return formatMetric(comparisons, values);
  }

  /** `undefined`: there are too many routes already. */
  #countsOf({ route = '', service }: ComparedAnswers): RouteCounts | undefined {
    const key = JSON.stringify([route, service]);
    const present = this.#routes.get(key);
    if (present !== undefined || this.#routes.size >= ROUTES_MAX) return present;
    const results = { same: 0, different: 0, uncompared: 0, failed: 0, skipped: 0 };
    const counts = { route, service, sinceMs: this.#clock.wallMs(), results, places: new Map(), furtherDifferences: 0 };
    this.#routes.set(key, counts);
    return counts;
  }

  #addDifference(counts: RouteCounts, difference: Difference, { id, method, target }: ComparedAnswers): void {
    const { kind } = difference;
    // Items of a list differ alike.
    const place = describePlace(difference).replaceAll(/\/\d+(?=\/|$)/g, '/*');
    const key = `${kind} ${place}`;
    let found = counts.places.get(key);
    if (found === undefined) {
      if (counts.places.size >= PLACES_MAX) {
        counts.furtherDifferences += 1;
        return;
      }
      found = { place, kind, count: 0, examples: [] };
      counts.places.set(key, found);
    }
    found.count += 1;
    if (found.examples.length >= EXAMPLES_MAX) return;
    const { before, after } = toShownValues(difference, this.names);
    found.examples.push({
      at: toTime(this.#clock.wallMs()),
      id,
      method,
      target: hideParameters(target, this.names),
      before,
      after,
    });
  }
}

const comparisons = {
  name: 'gatehouse_mirror_comparisons_total',
  type: 'counter',
  help: 'Answers to copies of requests that were compared with those of the services, by what came of it.',
} as const;

function toTime(wallMs: number): string {
  return new Date(wallMs).toISOString();
}

/** Whoever may see that answers differ may not see what is secret in them. */
function toShownValues({ part, at, before, after }: Difference, names: SecretNames): Pick<Difference, 'before' | 'after'> {
  const isSecret =
    part === 'field' ? names.isField(at) && at !== 'set-cookie' : at.split('/').some((step) => names.isMember(step));
  const hide = (text: string | undefined) => {
    if (text === undefined) return undefined;
    if (isSecret || schemeAndCredential.test(text)) return HIDDEN;
    // What is no JSON is shown by its length only.
    if (part === 'body' && at === '') return text.replace(/: .*$/s, '');
    return hideMembers(text.replaceAll(tokenText, HIDDEN), names);
  };
  return { before: hide(before), after: hide(after) };
}

/** Of an object or a list that is shown as a whole, or of its beginning. */
function hideMembers(text: string, names: SecretNames): string {
  return text.replaceAll(
    /"((?:[^"\\]|\\.){1,64})"(\s*:\s*)("(?:[^"\\]|\\.)*"?|[^,}\]\s]+)/g,
    (whole, name: string, colon: string) => (names.isMember(name) ? `"${name}"${colon}"${HIDDEN}"` : whole),
  );
}

function hideParameters(target: string, names: SecretNames): string {
  return hideSecretParameters(target, names).replaceAll(/=eyJ[^&]*/g, `=${HIDDEN}`);
}
