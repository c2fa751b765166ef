/** A small line without axes: how something went lately. What it means is said beside it. */
import { type Dot, highestOf, toBand, toLine } from './scale.ts';

interface SparklineProps {
  readonly values: readonly number[];
  /** How many values fill the width; older ones leave at the left. */
  readonly length?: number;
  readonly tone?: 'accent' | 'bad' | 'warn' | 'quiet';
}

const HEIGHT = 24;
const INSET = 1.5;

export function Sparkline({ values, length = 60, tone = 'accent' }: SparklineProps) {
  const highest = highestOf(values) || 1;
  const shown = values.slice(-length);
  const offset = length - shown.length;
  const dots: Dot[] = shown.map((value, index) => ({
    x: ((offset + index) / Math.max(1, length - 1)) * 100,
    y: HEIGHT - INSET - (value / highest) * (HEIGHT - 2 * INSET),
  }));
  const floor = dots.map(({ x }) => ({ x, y: HEIGHT }));
  // One value is no course.
  if (shown.length < 2) return <svg className="sparkline" aria-hidden="true" />;
  return (
    <svg className={`sparkline tone-${tone}`} viewBox={`0 0 100 ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <path className="chart-fill" d={toBand(dots, floor)} />
      <path className="chart-line" d={toLine(dots)} />
    </svg>
  );
}
