/** Where the nodes of a YAML text begin, by the events of its parser: at the quote, at the bracket, at the `|`, at the `*`. */
import { EVENT_ID, type Event, SCALAR_STYLE, type ScalarEvent } from 'js-yaml';

export type Properties = Pick<ScalarEvent, 'anchorStart' | 'anchorEnd' | 'tagStart' | 'tagEnd'>;

/** `undefined` for what has no place: the empty scalar that stands where nothing is written, and ends of collections. */
export function findStart(text: string, events: readonly Event[], at: number): number | undefined {
  const event = events[at]!;
  switch (event.type) {
    case EVENT_ID.ALIAS:
      return event.anchorStart - 1;
    case EVENT_ID.SEQUENCE:
      return event.start;
    case EVENT_ID.MAPPING:
      // Where its first key has an anchor or a tag, the parser counts from there.
      return '&!'.includes(text.charAt(event.start)) ? findStart(text, events, at + 1) : event.start;
    case EVENT_ID.SCALAR:
      return findScalarStart(text, event, events[at - 1]);
    default:
      return undefined;
  }
}

function findScalarStart(text: string, event: ScalarEvent, before: Event | undefined): number | undefined {
  const { style, valueStart } = event;
  if (valueStart < 0) return undefined;
  if (style === SCALAR_STYLE.PLAIN) return valueStart;
  if (style === SCALAR_STYLE.SINGLE_QUOTED || style === SCALAR_STYLE.DOUBLE_QUOTED) return valueStart - 1;
  // Between what stands before it and the line that the text begins in, there is nothing but the sign and perhaps a comment.
  const line = text.lastIndexOf('\n', valueStart - 2) + 1;
  const from = Math.max(line, endOfProperties(event), before?.type === EVENT_ID.SCALAR ? before.valueEnd : 0);
  return text.indexOf(style === SCALAR_STYLE.LITERAL_BLOCK ? '|' : '>', from);
}

export function endOfProperties({ anchorEnd, tagEnd }: Properties): number {
  return Math.max(anchorEnd, tagEnd);
}

/** As it is written; `undefined` without one. */
export function tagOf(text: string, { tagStart, tagEnd }: Properties): string | undefined {
  return tagStart < 0 ? undefined : text.slice(tagStart, tagEnd);
}

export function nameOf(
  text: string,
  { anchorStart, anchorEnd }: Pick<Properties, 'anchorStart' | 'anchorEnd'>,
): string | undefined {
  return anchorStart < 0 ? undefined : text.slice(anchorStart, anchorEnd);
}

/** In quotes it is a key like any other. */
export function isMergeKey(event: ScalarEvent, key: string): boolean {
  return key === '<<' && event.style === SCALAR_STYLE.PLAIN;
}
