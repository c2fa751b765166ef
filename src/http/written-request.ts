/** The head of a request that a program has written as texts: no parser stands before it, so what would break out of its place is looked for here. */
import { faults } from '#wire/http1/faults.ts';
import { isTargetOctet, isTokenOctet, isValueOctet } from '#wire/http1/octets.ts';

export interface WrittenHead {
  readonly method: string;
  readonly target: string;
  /** Names and values, alternating. */
  readonly fields: readonly string[];
}

/** What a client is told of bytes that cannot stand where they stand. */
export function findHeadFault({ method, target, fields }: WrittenHead): string | undefined {
  if (!isToken(method)) return faults.method;
  if (!consistsOf(target, isTargetOctet)) return faults.target;
  for (let i = 0; i < fields.length; i += 2) {
    if (!isToken(fields[i]!)) return faults.fieldName;
    if (!consistsOf(fields[i + 1]!, isValueOctet)) return faults.fieldValue;
  }
  return undefined;
}

function isToken(text: string): boolean {
  return text !== '' && consistsOf(text, isTokenOctet);
}

function consistsOf(text: string, isAllowed: (code: number) => boolean): boolean {
  for (let i = 0; i < text.length; i++) if (!isAllowed(text.charCodeAt(i))) return false;
  return true;
}
