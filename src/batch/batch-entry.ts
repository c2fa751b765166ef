/** What stands in the answer to a batch for the answer to one of its requests. */
import { isUtf8 } from 'node:buffer';
import { readContentCoding } from '#pipeline/content-coding/content-codings.ts';
import { getField } from '#wire/fields/field-list.ts';
import { withoutParameters } from '#wire/fields/media-type.ts';
import { findJsonFault } from '#wire/json/json-reader.ts';
import { JsonWriter } from '#wire/json/json-writer.ts';

export interface ItemAnswer {
  readonly status: number;
  /** Lower-case names and values, alternating. */
  readonly fields: readonly string[];
  readonly body: Buffer | undefined;
}

export interface BatchEntry {
  readonly pieces: readonly Buffer[];
  readonly byteLength: number;
}

const JSON_TYPE = /^application\/(?:[\w.!#$&^+-]+\+)?json$/;
const TEXT_TYPE =
  /^(?:text\/.*|application\/(?:[\w.!#$&^+-]+\+)?(?:json|xml)|application\/(?:javascript|x-www-form-urlencoded|x-ndjson|graphql))$/;

/** A body that is JSON stands there byte for byte, one that is text as a JSON text, and everything else as base64. */
export function toEntry(id: Buffer | undefined, { status, fields, body }: ItemAnswer): BatchEntry {
  const writer = new JsonWriter(Number.POSITIVE_INFINITY);
  writer.writeText('{');
  if (id !== undefined) {
    writer.writeText('"id":');
    writer.writeSpan(id, 0, id.length);
    writer.writeText(',');
  }
  writer.writeText(`"status":${status},"headers":${toHeaders(fields)}`);
  if (body !== undefined && body.length > 0) writeBody(writer, fields, body);
  writer.writeText('}');
  return { pieces: writer.finish(), byteLength: writer.byteLength };
}

function writeBody(writer: JsonWriter, fields: readonly string[], bytes: Buffer): void {
  const kind = findBodyKind(fields, bytes);
  writer.writeText(`,"${kind}":`);
  if (kind === 'body') writer.writeSpan(bytes, 0, bytes.length);
  else writer.writeText(kind === 'text' ? JSON.stringify(bytes.toString('utf8')) : `"${bytes.toString('base64')}"`);
}

function findBodyKind(fields: readonly string[], body: Buffer): 'body' | 'text' | 'base64' {
  const type = withoutParameters(getField(fields, 'content-type') ?? '');
  if (readContentCoding(fields) !== undefined || !TEXT_TYPE.test(type)) return 'base64';
  // RFC 8259 §8.1: JSON is UTF-8 whatever a parameter says.
  if (JSON_TYPE.test(type) && findJsonFault(body) === undefined) return 'body';
  return isUtf8(body) ? 'text' : 'base64';
}

/** By lower-case name; repeated fields are lists. Through a map, because a field may be called `__proto__`. */
function toHeaders(fields: readonly string[]): string {
  const byName = new Map<string, string[]>();
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i]!;
    const values = byName.get(name);
    if (values === undefined) byName.set(name, [fields[i + 1]!]);
    else values.push(fields[i + 1]!);
  }
  const members: string[] = [];
  for (const [name, values] of byName)
    members.push(`${JSON.stringify(name)}:${JSON.stringify(values.length === 1 ? values[0] : values)}`);
  return `{${members.join(',')}}`;
}
