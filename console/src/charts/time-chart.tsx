/**
 * A chart over the last minutes: areas on top of each other, or lines with a band between them. It is drawn into a box of
 * fixed units that is stretched, so nothing is measured and nothing jumps when the first data come.
 */
import { type PointerEvent, type ReactNode, useId, useState } from 'react';
import { formatTime } from '../formats.ts';
import { type Dot, highestOf, toBand, toCeiling, toLine } from './scale.ts';

export interface ChartSeries {
  readonly name: string;
  /** A class that gives the colour. */
  readonly tone: string;
  /** One for each moment. */
  readonly values: readonly (number | null)[];
}

interface TimeChartProps {
  readonly title: string;
  /** Beside the title. */
  readonly aside?: ReactNode;
  readonly times: readonly string[];
  readonly series: readonly ChartSeries[];
  /** Areas that add up, or lines of which the first and the last limit a band. */
  readonly kind: 'stacked' | 'quantiles';
  readonly format: (value: number | null) => string;
}

const WIDTH = 300;
const HEIGHT = 100;
/** What the width stands for. */
const MINUTES = 5;
const SPAN_MS = MINUTES * 60_000;

export function TimeChart({ title, aside, times, series, kind, format }: TimeChartProps) {
  const [at, setAt] = useState<number>();
  const headingId = useId();
  const count = times.length;
  const places = toPlaces(times);
  const tops = kind === 'stacked' ? stack(series, count) : series.map(({ values }) => values);
  const ceiling = toCeiling(highestOf(tops.flat()));
  const toDots = (values: readonly (number | null)[]): (Dot | undefined)[] =>
    values.map((value, index) =>
      value === null ? undefined : { x: places[index]! * WIDTH, y: HEIGHT - (value / ceiling) * HEIGHT },
    );
  const onPointerMove = (event: PointerEvent<HTMLDivElement>) => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    setAt(findNearest(places, (event.clientX - left) / width));
  };
  const shownAt = at !== undefined && at < count ? at : undefined;
  const time = shownAt === undefined ? undefined : times[shownAt];
  return (
    <figure className="chart" aria-labelledby={headingId}>
      <figcaption className="chart-head">
        <h2 id={headingId}>{title}</h2>
        <Legend series={series} at={shownAt ?? count - 1} format={format} />
        <span className="chart-aside">{time === undefined ? aside : formatTime(time)}</span>
      </figcaption>
      <div className="chart-box">
        <div className="chart-scale" aria-hidden="true">
          <span>{format(ceiling)}</span>
          <span>{format(ceiling / 2)}</span>
          <span>0</span>
        </div>
        <div className="chart-plot" onPointerMove={onPointerMove} onPointerLeave={() => setAt(undefined)}>
          <svg
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={describe(title, series, format)}
          >
            <path className="chart-grid" d={`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`} />
            {kind === 'stacked' ? (
              <Stack tops={tops.map(toDots)} series={series} />
            ) : (
              <Quantiles lines={tops.map(toDots)} series={series} />
            )}
            {shownAt !== undefined && <path className="chart-cursor" d={`M${places[shownAt]! * WIDTH} 0V${HEIGHT}`} />}
          </svg>
          {count === 0 && <p className="chart-empty">No data yet</p>}
        </div>
        <div className="chart-times" aria-hidden="true">
          <span>−{MINUTES} min</span>
          <span>now</span>
        </div>
      </div>
    </figure>
  );
}

interface DrawnProps {
  readonly series: readonly ChartSeries[];
}

function Stack({ tops, series }: DrawnProps & { readonly tops: readonly (readonly (Dot | undefined)[])[] }) {
  return tops.map((top, index) => {
    const floor = index === 0 ? top.map((dot) => dot && { x: dot.x, y: HEIGHT }) : tops[index - 1]!;
    const { name, tone } = series[index]!;
    return (
      <g key={name} className={`tone-${tone}`}>
        {/* What is thin would be all line: only the lowest area, which is most of it, has one. */}
        <path className={index === 0 ? 'chart-fill' : 'chart-fill-dense'} d={toBand(top, floor)} />
        {index === 0 && <path className="chart-line" d={toLine(top)} />}
      </g>
    );
  });
}

function Quantiles({ lines, series }: DrawnProps & { readonly lines: readonly (readonly (Dot | undefined)[])[] }) {
  return (
    <>
      <g className={`tone-${series[0]!.tone}`}>
        <path className="chart-fill" d={toBand(lines.at(-1)!, lines[0]!)} />
      </g>
      {lines.map((line, index) => (
        <g key={series[index]!.name} className={`tone-${series[index]!.tone}`}>
          <path className={`chart-line chart-line-${index}`} d={toLine(line)} />
        </g>
      ))}
    </>
  );
}

interface LegendProps extends DrawnProps {
  readonly at: number;
  readonly format: (value: number | null) => string;
}

function Legend({ series, at, format }: LegendProps) {
  return (
    <ul className="chart-legend">
      {series.map(({ name, tone, values }, index) => (
        <li key={name} className={`tone-${tone}`}>
          <i className={`chart-key chart-key-${index}`} aria-hidden="true" />
          {name} <b>{format(values[at] ?? null)}</b>
        </li>
      ))}
    </ul>
  );
}

/** From 0, minutes ago, to 1, the latest moment. What is older lies left of the chart. */
function toPlaces(times: readonly string[]): number[] {
  const moments = times.map((time) => Date.parse(time));
  const latest = moments.at(-1) ?? 0;
  return moments.map((moment) => 1 - (latest - moment) / SPAN_MS);
}

function findNearest(places: readonly number[], wanted: number): number | undefined {
  let nearest: number | undefined;
  for (const [index, place] of places.entries())
    if (nearest === undefined || Math.abs(place - wanted) < Math.abs(places[nearest]! - wanted)) nearest = index;
  return nearest;
}

function stack(series: readonly ChartSeries[], count: number): number[][] {
  const sums = new Array<number>(count).fill(0);
  return series.map(({ values }) => values.map((value, index) => (sums[index] = (sums[index] ?? 0) + (value ?? 0))));
}

function describe(title: string, series: readonly ChartSeries[], format: (value: number | null) => string): string {
  const parts = series.map(
    ({ name, values }) => `${name} now ${format(values.at(-1) ?? null)}, at most ${format(highestOf(values))}`,
  );
  return `${title}, last minutes: ${parts.join('; ')}`;
}
