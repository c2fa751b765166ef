import type { Fault } from './faults.ts';
import { checkFraming, dropConnectionNamed, MessageHead, readFields } from './message-head.ts';
import { CR, isValueOctet, LF, SPACE } from './octets.ts';

/** The head of an answer as an upstream gave it, checked. */
export class UpstreamResponseHead extends MessageHead {
  status = 0;
}

/** Reads a whole head from `start`; its empty line's CRLF starts at `end`. */
export function readResponseHead(
  head: UpstreamResponseHead,
  text: string,
  start: number,
  range: { end: number; fieldCountMax: number },
): Fault | undefined {
  if (text.startsWith('HTTP/1.0', start)) head.minorVersion = 0;
  else if (!text.startsWith('HTTP/1.1', start)) return text.startsWith('HTTP/', start) ? 'version' : 'statusLine';
  let position = start + 8;
  if (text.charCodeAt(position) !== SPACE) return 'statusLine';
  const status = readStatus(text, position + 1);
  if (status < 100 || status > 599) return 'statusLine';
  head.status = status;
  position += 4;
  let code = text.charCodeAt(position);
  // RFC 9112 §4 asks for the space even before an empty reason; servers that leave it out are too many to refuse.
  if (code === SPACE)
    do code = text.charCodeAt(++position);
    while (isValueOctet(code));
  if (code === LF) return 'bareLineFeed';
  if (code !== CR) return 'statusLine';
  if (text.charCodeAt(position + 1) !== LF) return 'bareCarriageReturn';
  const fault = readFields(head, text, position + 2, range.end, range.fieldCountMax) ?? checkFraming(head);
  if (fault !== undefined) return fault;
  // RFC 9110 §15.2.2: else it is not clear whose language the bytes behind it are.
  if (status === 101 && (!head.saysUpgrade || head.upgrade === undefined)) return 'switching';
  dropConnectionNamed(head);
  return undefined;
}

function readStatus(text: string, position: number): number {
  let status = 0;
  for (let i = position; i < position + 3; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    status = status * 10 + digit;
  }
  return status;
}
