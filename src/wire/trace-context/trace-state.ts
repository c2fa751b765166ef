/**
 * The field `tracestate` (W3C Trace Context, level 2, §3.3): what tracing systems keep with a trace. The gateway passes it on and
 * adds nothing. A list with a fault anywhere is dropped as a whole, and the trace goes on without it (§3.3.1.1).
 */

const MEMBERS_MAX = 32;
const KEY = /^[a-z0-9][a-z0-9_\-*/@]{0,255}$/;
/** Visible ASCII and spaces without `,` and `=`; the last one is no space. */
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** `lines`: the values of the field, which may come in several. Undefined where there is nothing that could be passed on. */
export function readTraceState(lines: readonly string[], bytesMax: number): string | undefined {
  const members: string[] = [];
  let bytes = 0;
  for (const written of lines.join(',').split(',')) {
    const member = trimSpace(written);
    // §3.3.1.1: empty members are allowed, and mean nothing.
    if (member === '') continue;
    if (!isMember(member)) return undefined;
    bytes += member.length + 1;
    members.push(member);
  }
  if (members.length === 0 || members.length > MEMBERS_MAX) return undefined;
  return bytes - 1 <= bytesMax ? members.join(',') : shorten(members, bytesMax);
}

function isMember(member: string): boolean {
  const equals = member.indexOf('=');
  return equals > 0 && KEY.test(member.slice(0, equals)) && VALUE.test(member.slice(equals + 1));
}

/** §3.3.1.5: long members first, then those at the end, whose systems have been asked the longest ago. */
function shorten(members: readonly string[], bytesMax: number): string | undefined {
  const kept: string[] = [];
  let bytes = 0;
  for (const member of members) {
    if (member.length > LONG_MEMBER_BYTES) continue;
    bytes += member.length + 1;
    if (bytes - 1 > bytesMax) break;
    kept.push(member);
  }
  return kept.length === 0 ? undefined : kept.join(',');
}

const LONG_MEMBER_BYTES = 128;

/** Optional white space of HTTP: spaces and tabs. */
function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text, start)) start += 1;
  while (end > start && isSpace(text, end - 1)) end -= 1;
  return text.slice(start, end);
}

function isSpace(text: string, at: number): boolean {
  return text[at] === ' ' || text[at] === '\t';
}
