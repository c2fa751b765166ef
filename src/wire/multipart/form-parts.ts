/**
 * The parts of a body of type `multipart/form-data` (RFC 7578, RFC 2046 §5.1). Whoever sends it chooses each byte, so what readers could take
 * for different parts is refused: text before the first boundary or behind the last, fields that stand twice, names in two encodings.
 */

export interface FormPart {
  readonly name: string;
  readonly filename: string | undefined;
  /** As it is written. */
  readonly contentType: string | undefined;
  /** A view into the body. */
  readonly bytes: Buffer;
}

export type FormPartsFault =
  | 'boundary'
  | 'preamble'
  | 'delimiter'
  | 'unfinished'
  | 'epilogue'
  | 'field'
  | 'disposition'
  | 'transfer-encoding'
  | 'too-many';

export const formPartsFaults: Readonly<Record<FormPartsFault, string>> = {
  boundary: 'has a type without a `boundary` of 1 to 70 characters',
  preamble: 'does not begin with its boundary',
  delimiter: 'has a boundary that does not end with its line',
  unfinished: 'does not end with its boundary',
  epilogue: 'goes on behind its last boundary',
  field: 'has a part whose fields cannot be read',
  disposition: 'has a part without one `content-disposition: form-data` that names it',
  'transfer-encoding': 'has a part with a `content-transfer-encoding`',
  'too-many': 'has too many parts',
};

const PARTS_MAX = 1_000;
/** Of the fields of one part. */
const HEAD_BYTES_MAX = 8 * 1024;
const HEAD_END = '\r\n\r\n';

/** RFC 2046 §5.1.1. */
const BOUNDARY = /;\s*boundary\s*=\s*(?:"([\w'()+,./:=? -]{0,69}[\w'()+,./:=?-])"|([\w'+.-]{1,70}))\s*(?:;|$)/gi;
const FIELD = /^([!#$%&'*+.^_`|~\w-]+):[\t ]*([^\r\n\0]*?)[\t ]*$/;
const DISPOSITION = /^form-data((?:\s*;\s*(?:name|filename)="(?:[^"\\]|\\.)*")+)$/i;
const PARAMETER = /;\s*(name|filename)="((?:[^"\\]|\\.)*)"/gi;
/** What browsers write in the place of what would end the text (HTML, multipart/form-data encoding algorithm), and what others do. */
const ESCAPED = /%(22|0D|0A)|\\(["\\])/gi;

export function readFormParts(contentType: string, bytes: Buffer): FormPart[] | FormPartsFault {
  const boundary = readBoundary(contentType);
  if (boundary === undefined) return 'boundary';
  const first = Buffer.from(`--${boundary}`);
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  if (!bytes.subarray(0, first.length).equals(first)) return 'preamble';
  const parts: FormPart[] = [];
  for (let at = first.length; ; ) {
    const ending = bytes.toString('latin1', at, at + 2);
    if (ending === '--') return isOver(bytes, at + 2) ? parts : 'epilogue';
    if (ending !== '\r\n') return 'delimiter';
    const end = bytes.indexOf(delimiter, at);
    if (end < 0) return 'unfinished';
    if (parts.length === PARTS_MAX) return 'too-many';
    const part = readPart(bytes.subarray(at, end));
    if (typeof part === 'string') return part;
    parts.push(part);
    at = end + delimiter.length;
  }
}

/** The only one: of several, readers would choose differently. */
function readBoundary(contentType: string): string | undefined {
  const [first, ...more] = contentType.matchAll(BOUNDARY);
  const mentions = contentType.toLowerCase().split('boundary').length - 1;
  return first === undefined || more.length > 0 || mentions !== 1 ? undefined : (first[1] ?? first[2]);
}

function isOver(bytes: Buffer, at: number): boolean {
  const rest = bytes.toString('latin1', at, at + 3);
  return rest === '' || rest === '\r\n';
}

/** `bytes`: from the end of the line with the boundary, which a part without fields has twice. */
function readPart(bytes: Buffer): FormPart | FormPartsFault {
  const headEnd = bytes.subarray(0, HEAD_BYTES_MAX).indexOf(HEAD_END);
  if (headEnd < 0) return 'field';
  const fields = readFields(bytes.toString('utf8', 2, headEnd));
  if (fields === undefined) return 'field';
  const coding = fields.get('content-transfer-encoding');
  if (coding !== undefined && !/^(?:7bit|8bit|binary)$/i.test(coding)) return 'transfer-encoding';
  const disposition = readDisposition(fields.get('content-disposition'));
  if (disposition === undefined) return 'disposition';
  return { ...disposition, contentType: fields.get('content-type'), bytes: bytes.subarray(headEnd + HEAD_END.length) };
}

function readFields(head: string): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const line of head === '' ? [] : head.split('\r\n')) {
    const [, name = '', value = ''] = FIELD.exec(line) ?? [];
    const key = name.toLowerCase();
    if (key === '' || fields.has(key)) return undefined;
    fields.set(key, value);
  }
  return fields;
}

function readDisposition(text: string | undefined): { name: string; filename: string | undefined } | undefined {
  const [, written] = DISPOSITION.exec(text ?? '') ?? [];
  if (written === undefined) return undefined;
  const parameters = new Map<string, string>();
  for (const [, parameter = '', value = ''] of written.matchAll(PARAMETER)) {
    const key = parameter.toLowerCase();
    if (parameters.has(key)) return undefined;
    parameters.set(key, unescapeText(value));
  }
  const name = parameters.get('name');
  return name === undefined ? undefined : { name, filename: parameters.get('filename') };
}

function unescapeText(text: string): string {
  return text.replace(ESCAPED, (_, hex: string | undefined, char: string | undefined) =>
    hex === undefined ? char! : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
