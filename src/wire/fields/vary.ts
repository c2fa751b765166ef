/** `Vary` (RFC 9110 §12.5.5): which fields of a request an answer depends on. */

/** Adds a name, which is in lower case, unless it or `*` is there. */
export function addVary(fields: string[], name: string): void {
  let last = -1;
  for (let i = 0; i < fields.length; i += 2) {
    if (fields[i] !== 'vary') continue;
    last = i + 1;
    for (const listed of fields[last]!.split(',')) {
      const other = listed.trim();
      if (other === '*' || (other.length === name.length && other.toLowerCase() === name)) return;
    }
  }
  if (last < 0) fields.push('vary', name);
  else fields[last] = `${fields[last]}, ${name}`;
}
