/** What an answer with a file says of it, and which of its bytes it holds. */
import type { ClientRequest } from '#http/exchange.ts';
import { type ByteRange, readByteRanges } from '#wire/fields/byte-ranges.ts';
import { getFieldValues } from '#wire/fields/field-list.ts';
import { formatHttpDate } from '#wire/fields/http-dates.ts';
import { allowsRange, checkPreconditions, type Validators } from '#wire/fields/preconditions.ts';
import type { OpenedFile } from './opening.ts';
import type { FoundFile } from './served-files.ts';

/** A file that was changed less than this ago may be changed again without a time that tells: file systems count in ticks of some milliseconds. */
const UNSETTLED_MS = 2_000;

/**
 * From size and time of change, to the microsecond, as all gateways with a copy of the file have them; weak while the file is so new that
 * another change might not show (RFC 9110 §8.8.1).
 */
function toValidators({ sizeBytes, modifiedMs }: OpenedFile, coding: string | undefined, nowMs: number): Validators {
  const opaque = `"${Math.round(modifiedMs * 1_000).toString(36)}-${sizeBytes.toString(36)}${coding === undefined ? '' : `-${coding}`}"`;
  const isSettled = modifiedMs + UNSETTLED_MS <= nowMs;
  // RFC 9110 §8.8.2.1: no time of change is later than that of the answer.
  return { tag: isSettled ? opaque : `W/${opaque}`, modifiedSeconds: Math.floor(Math.min(modifiedMs, nowMs) / 1_000) };
}

/** A part of the file, with what stands before it in a body of several parts. */
export interface BodyPart extends ByteRange {
  readonly lead: Buffer | undefined;
}

export interface Representation {
  readonly status: 200 | 206 | 304 | 404 | 412 | 416;
  /** Of the answer, or of the error. */
  readonly fields: string[];
  readonly parts: readonly BodyPart[];
  /** What stands behind the last part. */
  readonly tail: Buffer | undefined;
  readonly bodyBytes: number;
}

const noParts: readonly BodyPart[] = [];

/** Decides by the conditions and ranges of the request what of the file it is answered with. */
export function represent(
  request: ClientRequest,
  found: FoundFile,
  means: { nowMs: number; nextBoundary: () => string },
): Representation {
  const { file, status, coding } = found;
  // RFC 9110 §13.2.1, §14.2: conditions and ranges are about an answer that would be a success.
  if (status === 404) return toWhole(404, toPlainFields(found), file.sizeBytes);
  const { nowMs } = means;
  const validators = toValidators(file, coding, nowMs);
  const outcome = checkPreconditions(request.fields, validators, nowMs);
  const fields = ['etag', validators.tag, 'last-modified', formatHttpDate(validators.modifiedSeconds * 1_000)];
  if (outcome === 'failed') return toEmpty(412, fields);
  if (outcome === 'not-modified') return toEmpty(304, [...fields, ...toCacheFields(found)]);
  fields.push('accept-ranges', 'bytes', ...toPlainFields(found));
  const asked = request.method === 'GET' ? getFieldValues(request.fields, 'range') : [];
  if (asked.length !== 1 || !allowsRange(request.fields, validators, nowMs)) return toWhole(200, fields, file.sizeBytes);
  const ranges = readByteRanges(asked[0]!, file.sizeBytes);
  if (ranges === 'whole') return toWhole(200, fields, file.sizeBytes);
  if (ranges === 'unsatisfiable') return toEmpty(416, ['content-range', `bytes */${file.sizeBytes}`]);
  const [first, ...others] = ranges;
  if (others.length > 0) return toSeveral(fields, ranges, { found, boundary: means.nextBoundary() });
  fields.push('content-range', toContentRange(first, file.sizeBytes));
  return { status: 206, fields, parts: [{ ...first, lead: undefined }], tail: undefined, bodyBytes: first.end - first.start };
}

function toPlainFields(found: FoundFile): string[] {
  const fields = ['content-type', found.contentType];
  if (found.coding !== undefined) fields.push('content-encoding', found.coding);
  fields.push(...toCacheFields(found));
  return fields;
}

/** RFC 9110 §15.4.5: a 304 has them too. */
function toCacheFields({ cacheControl, vary }: FoundFile): string[] {
  const fields: string[] = [];
  if (cacheControl !== undefined) fields.push('cache-control', cacheControl);
  if (vary !== undefined) fields.push('vary', vary);
  return fields;
}

function toWhole(status: 200 | 404, fields: string[], sizeBytes: number): Representation {
  const parts = sizeBytes === 0 ? noParts : [{ start: 0, end: sizeBytes, lead: undefined }];
  return { status, fields, parts, tail: undefined, bodyBytes: sizeBytes };
}

function toEmpty(status: 304 | 412 | 416, fields: string[]): Representation {
  return { status, fields, parts: noParts, tail: undefined, bodyBytes: 0 };
}

/** RFC 9110 §14.6. */
function toSeveral(
  fields: string[],
  ranges: readonly ByteRange[],
  { found, boundary }: { readonly found: FoundFile; readonly boundary: string },
): Representation {
  const { file, contentType } = found;
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`, 'latin1');
  let bodyBytes = tail.length;
  const parts = ranges.map((range): BodyPart => {
    const head = `\r\n--${boundary}\r\ncontent-type: ${contentType}\r\ncontent-range: ${toContentRange(range, file.sizeBytes)}\r\n\r\n`;
    const lead = Buffer.from(head, 'latin1');
    bodyBytes += lead.length + range.end - range.start;
    return { ...range, lead };
  });
  fields[fields.indexOf('content-type') + 1] = `multipart/byteranges; boundary=${boundary}`;
  return { status: 206, fields, parts, tail, bodyBytes };
}

function toContentRange({ start, end }: ByteRange, sizeBytes: number): string {
  return `bytes ${start}-${end - 1}/${sizeBytes}`;
}
