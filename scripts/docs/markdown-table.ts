/** Tables in Markdown. */

/** A table; what is in a cell stays in it. Columns are as wide as the formatter wants them. */
export function toTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows.map((row) => row.map(escapeCell))];
  const widths = header.map((_, column) => Math.max(3, ...cells.map((row) => row[column]!.length)));
  const [first, ...rest] = cells.map((row) => toLine(row.map((cell, column) => cell.padEnd(widths[column]!))));
  return [first, toLine(widths.map((width) => '-'.repeat(width))), ...rest].join('\n');
}

export function code(text: string): string {
  return `\`${text}\``;
}

function toLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
