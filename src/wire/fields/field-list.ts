/** Field lists: flat arrays of lower-case names and values, alternating, in the order of the message. Names may repeat. */

/** The first value of a field. `name` must be lower-case. */
export function getField(fields: readonly string[], name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return fields[i + 1];
  return undefined;
}

export function hasField(fields: readonly string[], name: string): boolean {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return true;
  return false;
}

/** All values of a field, in order. */
export function getFieldValues(fields: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) values.push(fields[i + 1]!);
  return values;
}

/** Leaves exactly one line of this name. */
export function setField(fields: string[], name: string, value: string): void {
  removeField(fields, name);
  fields.push(name, value);
}

/** Takes out every line of this name, in place. */
export function removeField(fields: string[], name: string): void {
  if (hasField(fields, name)) removeFields(fields, (other) => other === name);
}

/**
 * The same with underscores and hyphens alike: a service that reads fields as variables of its environment (RFC 3875 §4.1.18) takes
 * `x_user` for `x-user`.
 */
export function removeLookalikes(fields: string[], name: string): void {
  for (let i = 0; i < fields.length; i += 2)
    if (isLookalike(fields[i]!, name)) return removeFields(fields, (other) => isLookalike(other, name));
}

/** Whether there is a field that is not this one, and that a service could take for it all the same. */
export function hasLookalike(fields: readonly string[], name: string): boolean {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] !== name && isLookalike(fields[i]!, name)) return true;
  return false;
}

function isLookalike(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) {
    const code = one.charCodeAt(i);
    const otherCode = other.charCodeAt(i);
    if (code !== otherCode && !(isJoin(code) && isJoin(otherCode))) return false;
  }
  return true;
}

/** A hyphen or an underscore. */
function isJoin(code: number): boolean {
  return code === 0x2d || code === 0x5f;
}

/** Takes out every line whose name fits, in place. */
export function removeFields(fields: string[], fits: (name: string) => boolean): void {
  let kept = 0;
  for (let i = 0; i < fields.length; i += 2) {
    if (fits(fields[i]!)) continue;
    fields[kept] = fields[i]!;
    fields[kept + 1] = fields[i + 1]!;
    kept += 2;
  }
  fields.length = kept;
}
