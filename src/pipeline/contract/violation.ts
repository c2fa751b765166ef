/** One thing in which a message is not what its contract asks for. */
import type { ParameterPlace } from './contract.ts';

export interface Violation {
  readonly in: ParameterPlace | 'body' | 'status';
  /** A JSON pointer (RFC 6901) into the body; into a parameter, behind its name. */
  readonly pointer: string;
  readonly message: string;
  /** Of JSON Schema, or one of ours: `encoding`, `duplicate`, `syntax`, `contentType`. */
  readonly keyword: string;
}

/** What a client may have chosen is shown no longer than this. */
const POINTER_LENGTH_MAX = 256;
const MESSAGE_LENGTH_MAX = 512;

export function createViolation(place: Violation['in'], pointer: string, keyword: string, message: string): Violation {
  return { in: place, pointer: shorten(pointer, POINTER_LENGTH_MAX), message: shorten(message, MESSAGE_LENGTH_MAX), keyword };
}

/** RFC 6901 §3. */
export function toPointer(name: string): string {
  return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

function shorten(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}
