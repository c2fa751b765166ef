/** One step of a path: the name of a member, or the place of an item. */
export interface JsonName {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** The place in a list that it could mean; -1 for none. */
  readonly place: number;
}

/** No list that is read is as long as this. */
const PLACE = /^(?:0|[1-9][0-9]{0,8})$/;

export function toJsonName(text: string): JsonName {
  return { text, bytes: Buffer.from(text), place: PLACE.test(text) ? Number(text) : -1 };
}
