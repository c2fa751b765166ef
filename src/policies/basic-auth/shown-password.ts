/** What the `authorization` field says (RFC 7617 §2). Whoever sends it chooses each byte. */

export interface ShownPassword {
  readonly user: string;
  readonly password: string;
}

const SCHEME = 'basic';
const TOKEN68 = /^[A-Za-z0-9+/]+={0,2}$/;
/** Longer ones are nobody's; hashing them would cost us more than sending them cost. */
const TEXT_LENGTH_MAX = 1_024;
const CONTROLS = /[\x00-\x1f\x7f]/;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What stands behind `Basic`; `undefined`: the field holds something else. */
export function findBasicText(value: string): string | undefined {
  if (value.charCodeAt(SCHEME.length) !== 0x20 || value.slice(0, SCHEME.length).toLowerCase() !== SCHEME) return undefined;
  return value.slice(SCHEME.length + 1).trim();
}

/** `undefined`: it is not the name and the password of anybody. */
export function readShownPassword(text: string): ShownPassword | undefined {
  if (text.length > TEXT_LENGTH_MAX || !TOKEN68.test(text)) return undefined;
  const decoded = decode(Buffer.from(text, 'base64'));
  const colon = decoded?.indexOf(':') ?? -1;
  // RFC 7617 §2: no control characters; the name ends at the first colon.
  if (decoded === undefined || colon < 0 || CONTROLS.test(decoded)) return undefined;
  return { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

function decode(bytes: Buffer): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    // Not UTF-8, which the challenge has asked for.
    return undefined;
  }
}
