/** Texts of a request as the values that a schema speaks of. A text that stands for none of its types stays one, for the schema to refuse. */
import type { JsonType, TextShape } from './contract.ts';

/** RFC 8259 §6: no other spelling of a number is one. */
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

export function toTyped(text: string, { types }: Pick<TextShape, 'types'>): unknown {
  for (const type of types) {
    const value = readAs(text, type);
    if (value !== undefined) return value;
  }
  return text;
}

function readAs(text: string, type: JsonType): unknown {
  switch (type) {
    case 'number':
    case 'integer':
      return NUMBER.test(text) ? Number(text) : undefined;
    case 'boolean':
      return text === 'true' ? true : text === 'false' ? false : undefined;
    case 'null':
      return text === '' || text === 'null' ? null : undefined;
    default:
      // A text as it is comes last, whatever the order of the types.
      return undefined;
  }
}

export function isArrayShape({ types }: TextShape): boolean {
  return types.includes('array');
}

export function isObjectShape({ types }: TextShape): boolean {
  return types.includes('object');
}

const anything: TextShape = Object.freeze({ types: [] });

export function shapeOfItem(shape: TextShape): TextShape {
  return shape.items ?? anything;
}

export function shapeOfProperty({ properties, rest }: TextShape, name: string): TextShape {
  return (properties !== undefined && Object.hasOwn(properties, name) ? properties[name] : rest) ?? anything;
}
