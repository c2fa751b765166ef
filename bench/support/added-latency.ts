import type { Row } from './bench-result.ts';
import type { LoadFigures } from './latency-window.ts';
import { median } from './statistics.ts';

/** Medians of rounds; "added" is the difference to what the same rounds of the direct way took, and empty for that one itself. */
export function toLatencyColumns(figures: readonly LoadFigures[], direct: readonly LoadFigures[]): Row {
  const middle = (pick: (figure: LoadFigures) => number) => Math.round(median(figures.map(pick)));
  const added = (pick: (figure: LoadFigures) => number) =>
    figures === direct ? '' : Math.round(median(figures.map((figure, count) => pick(figure) - pick(direct[count]!))));
  return {
    'p50, µs': middle(({ p50Us }) => p50Us),
    'p99, µs': middle(({ p99Us }) => p99Us),
    'added p50, µs': added(({ p50Us }) => p50Us),
    'added p99, µs': added(({ p99Us }) => p99Us),
  };
}
