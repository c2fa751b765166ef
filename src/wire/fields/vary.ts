/** `Vary` (RFC 9110 §12.5.5): which fields of a request an answer depends on. */
import { getFieldValues } from './field-list.ts';

/** Adds a name, which is in lower case, unless it or `*` is there. */
export function addVary(fields: string[], name: string): void {
  for (const value of getFieldValues(fields, 'vary')) {
    const names = value.toLowerCase().split(',');
    for (const listed of names) if (listed.trim() === name || listed.trim() === '*') return;
  }
  fields.push('vary', name);
}
