/** The fields with these names, in their order. */
export function pickFields(fields: readonly string[], names: readonly string[]): string[] {
  const picked: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (names.includes(fields[i]!)) picked.push(fields[i]!, fields[i + 1]!);
  return picked;
}
