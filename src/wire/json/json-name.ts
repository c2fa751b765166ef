/** The name of a member that is looked for, with its bytes made once. */
export interface JsonName {
  readonly text: string;
  readonly bytes: Uint8Array;
}

export function toJsonName(text: string): JsonName {
  return { text, bytes: Buffer.from(text) };
}
