/** From values to places in a drawing that is 100 units high, whatever its size on the screen. */

/** The smallest of 1, 2, 5 × 10ⁿ that nothing exceeds, so that the scale seldom moves. */
export function toCeiling(highest: number): number {
  if (!(highest > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  return power * ([1, 2, 5].find((factor) => factor * power >= highest) ?? 10);
}

/** The highest of many values. */
export function highestOf(values: Iterable<number | null | undefined>): number {
  let highest = 0;
  for (const value of values) if (typeof value === 'number' && value > highest) highest = value;
  return highest;
}

export interface Dot {
  readonly x: number;
  readonly y: number;
}

const round = (value: number) => Math.round(value * 100) / 100;

/** A path through dots. Where one is missing, the line is broken. */
export function toLine(dots: readonly (Dot | undefined)[]): string {
  let path = '';
  let isOpen = false;
  for (const dot of dots) {
    if (dot === undefined) isOpen = false;
    else {
      const place = `${round(dot.x)} ${round(dot.y)}`;
      // A line to where it begins: one that has a single dot is seen as a dot.
      path += isOpen ? `L${place}` : `M${place}L${place}`;
      isOpen = true;
    }
  }
  return path;
}

/** What lies between two lines, piece by piece where they are broken. */
export function toBand(upper: readonly (Dot | undefined)[], lower: readonly (Dot | undefined)[]): string {
  let path = '';
  let from = 0;
  while (from < upper.length) {
    if (upper[from] === undefined || lower[from] === undefined) {
      from += 1;
      continue;
    }
    let to = from;
    while (upper[to + 1] !== undefined && lower[to + 1] !== undefined) to += 1;
    const back = lower.slice(from, to + 1).toReversed();
    path += `${toLine(upper.slice(from, to + 1))}${toLine(back).replace('M', 'L')}Z`;
    from = to + 1;
  }
  return path;
}
