/**
 * The field `baggage` (W3C Baggage): what a client would like everybody behind it to know. The gateway reads none of it and passes it
 * on, up to the size that everybody has to pass on.
 */

/** §3.3.2: so much has to be passed on. Of more, what is behind it is dropped. */
const BYTES_MAX = 8_192;
const MEMBERS_MAX = 64;

/** The lines as one, shortened where they are too long, by whole members. Undefined: nothing fits. */
export function joinBaggage(lines: readonly string[]): string | undefined {
  const text = lines.join(',');
  let end = 0;
  for (let count = 0; count < MEMBERS_MAX && end < text.length; count++) {
    const comma = text.indexOf(',', count === 0 ? 0 : end + 1);
    const next = comma < 0 ? text.length : comma;
    if (next > BYTES_MAX) break;
    end = next;
  }
  return end === 0 ? undefined : text.slice(0, end);
}
