import type { Fault } from './faults.ts';
import type { FieldMemory } from './field-memory.ts';
import type { HeadSource } from './head-source.ts';
import { checkFraming, dropConnectionNamed, MessageHead, readFields } from './message-head.ts';
import { CR, isValueOctet, LF, SPACE } from './octets.ts';

/** The head of an answer as an upstream gave it, checked. */
export class UpstreamResponseHead extends MessageHead {
  status = 0;

  /** An answer names no host; one that does all the same does not go on as it came. */
  override get messageText(): string | undefined {
    return this.host === undefined ? super.messageText : undefined;
  }
}

/** Reads a whole head. */
export function readResponseHead(
  head: UpstreamResponseHead,
  source: HeadSource,
  fieldCountMax: number,
  memory?: FieldMemory,
): Fault | undefined {
  const { text, bytes, base } = source;
  if (text.startsWith('HTTP/1.0')) head.minorVersion = 0;
  else if (!text.startsWith('HTTP/1.1')) return text.startsWith('HTTP/') ? 'version' : 'statusLine';
  let at = base + 8;
  if (bytes[at] !== SPACE) return 'statusLine';
  const status = readStatus(bytes, at + 1);
  if (status < 100 || status > 599) return 'statusLine';
  head.status = status;
  at += 4;
  const hasSpace = bytes[at] === SPACE;
  // RFC 9112 §4 asks for the space even before an empty reason; servers that leave it out are too many to refuse.
  if (hasSpace) while (isValueOctet(bytes[at]!)) at += 1;
  if (bytes[at] === LF) return 'bareLineFeed';
  if (bytes[at] !== CR) return 'statusLine';
  if (bytes[at + 1] !== LF) return 'bareCarriageReturn';
  const fieldsStart = at + 2 - base;
  if (hasSpace && head.minorVersion === 1) head.startChars = fieldsStart;
  const isKnown = memory?.recall(head, source, fieldsStart) === true;
  const fault = isKnown ? undefined : (readFields(head, source, fieldsStart, fieldCountMax) ?? checkFraming(head));
  if (fault !== undefined) return fault;
  // RFC 9110 §15.2.2: else it is not clear whose language the bytes behind it are.
  if (status === 101 && (!head.saysUpgrade || head.upgrade === undefined)) return 'switching';
  if (!isKnown) memory?.keep(head, source, fieldsStart);
  dropConnectionNamed(head);
  return undefined;
}

function readStatus(bytes: Uint8Array, start: number): number {
  let status = 0;
  for (let at = start; at < start + 3; at++) {
    const digit = bytes[at]! - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    status = status * 10 + digit;
  }
  return status;
}
