/** Bars in groups, on a logarithmic scale, as an SVG that needs nothing else and suits light and dark pages. */

export interface BarGroup {
  readonly label: string;
  /** One for each series. */
  readonly values: readonly number[];
}

export interface BarChart {
  readonly title: string;
  readonly series: readonly { readonly label: string; readonly color: string }[];
  readonly groups: readonly BarGroup[];
  /** Powers of ten; bars that end elsewhere are cut. */
  readonly from: number;
  readonly to: number;
  readonly unit: string;
}

const WIDTH = 720;
const HEIGHT = 340;
const LEFT = 84;
const TOP = 64;
const BOTTOM = 40;
const BAR = 34;
const GREY = '#808080';

export function drawBarChart(chart: BarChart): string {
  const lines = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="${GREY}">`,
    `<title>${chart.title}</title>`,
    `<text x="${LEFT}" y="22" font-size="15">${chart.title}</text>`,
    ...drawLegend(chart),
    ...drawScale(chart),
    ...chart.groups.flatMap((group, position) => drawGroup(chart, group, position)),
    '</svg>',
  ];
  return `${lines.join('\n')}\n`;
}

function drawLegend({ series }: BarChart): string[] {
  return series.flatMap(({ label, color }, position) => {
    const x = LEFT + position * 240;
    return [`<rect x="${x}" y="34" width="12" height="12" fill="${color}"/>`, `<text x="${x + 18}" y="45">${label}</text>`];
  });
}

function drawScale(chart: BarChart): string[] {
  const lines: string[] = [];
  for (let value = chart.from; value <= chart.to; value *= 10) {
    const y = toY(chart, value);
    lines.push(`<line x1="${LEFT}" x2="${WIDTH - 10}" y1="${y}" y2="${y}" stroke="${GREY}" stroke-opacity="0.35"/>`);
    lines.push(`<text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${value.toLocaleString('en-US')} ${chart.unit}</text>`);
  }
  return lines;
}

function drawGroup(chart: BarChart, { label, values }: BarGroup, position: number): string[] {
  const width = (WIDTH - LEFT - 10) / chart.groups.length;
  const middle = LEFT + width * (position + 0.5);
  const bars = values.flatMap((value, index) => {
    const x = middle + (index - values.length / 2) * (BAR + 6);
    const y = toY(chart, value);
    return [
      `<rect x="${x}" y="${y}" width="${BAR}" height="${HEIGHT - BOTTOM - y}" fill="${chart.series[index]!.color}"/>`,
      `<text x="${x + BAR / 2}" y="${y - 5}" text-anchor="middle" font-size="11">${value.toLocaleString('en-US')}</text>`,
    ];
  });
  return [...bars, `<text x="${middle}" y="${HEIGHT - 16}" text-anchor="middle">${label}</text>`];
}

function toY({ from, to }: BarChart, value: number): number {
  const part = Math.log(Math.min(Math.max(value, from), to) / from) / Math.log(to / from);
  return Math.round(HEIGHT - BOTTOM - part * (HEIGHT - TOP - BOTTOM));
}
