import { type JsonFault, type JsonIndex, JsonReader } from './json-reader.ts';
import { type IndexedJson, JsonValue } from './json-value.ts';

/** Bytes that are JSON, with where its values are. The bytes must stay as they are for as long as it is used. */
export class JsonDocument implements IndexedJson {
  readonly bytes: Buffer;
  readonly index: JsonIndex;
  readonly root: JsonValue;

  constructor(bytes: Buffer, index: JsonIndex) {
    this.bytes = bytes;
    this.index = index;
    this.root = new JsonValue(this, 0);
  }
}

export interface ReadJsonOptions {
  readonly depthMax?: number;
  readonly valuesMax?: number;
}

/** The document, or what is wrong with it. */
export function readJson(bytes: Buffer, options: ReadJsonOptions = {}): JsonDocument | JsonFault {
  const reader = new JsonReader({ index: true, depthMax: options.depthMax, valuesMax: options.valuesMax });
  return reader.write(bytes) ?? reader.end() ?? new JsonDocument(bytes, reader.index);
}
