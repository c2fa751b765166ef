/** The signature of a request (RFC 9421 §4): what it says of itself, before anything of it is believed. */

import { getFieldValues } from '#wire/fields/field-list.ts';
import type { BareItem, InnerList } from '#wire/fields/structured-fields.ts';
import { formatInnerList, isInnerList, parseDictionary } from '#wire/fields/structured-fields.ts';

export interface ShownSignature {
  /** Names of what it covers, in order. */
  readonly components: readonly string[];
  /** The line of the signature base about itself. */
  readonly parametersText: string;
  readonly bytes: Buffer;
  readonly keyId: string;
  readonly algorithm: string | undefined;
  /** Seconds since 1970. */
  readonly created: number | undefined;
  readonly expires: number | undefined;
  readonly nonce: string | undefined;
}

const TEXT_LENGTH_MAX = 4_096;
const SIGNATURES_MAX = 4;
const NONCE_LENGTH_MAX = 256;

/** `undefined`: there is none. A text: what is wrong. Those with keys of others are passed over where there are several. */
export function findSignature(
  fields: readonly string[],
  isKnown: (keyId: string) => boolean,
): ShownSignature | string | undefined {
  const inputText = getFieldValues(fields, 'signature-input').join(', ');
  const text = getFieldValues(fields, 'signature').join(', ');
  if (inputText === '' && text === '') return undefined;
  if (inputText.length > TEXT_LENGTH_MAX || text.length > TEXT_LENGTH_MAX) return 'too long';
  const inputs = parseDictionary(inputText);
  const signatures = parseDictionary(text);
  if (inputs === undefined || signatures === undefined) return 'malformed';
  if (inputs.size > SIGNATURES_MAX) return 'too many signatures';
  let last: ShownSignature | string = 'malformed';
  for (const [label, input] of inputs) {
    const signature = signatures.get(label);
    if (signature === undefined || isInnerList(signature) || signature.value.kind !== 'bytes' || !isInnerList(input))
      return 'malformed';
    last = toSignature(input, signature.value.value);
    if (typeof last === 'string' || isKnown(last.keyId)) return last;
  }
  return last;
}

function toSignature(input: InnerList, bytes: Buffer): ShownSignature | string {
  const { parameters } = input;
  const components: string[] = [];
  for (const { value, parameters: ofComponent } of input.items) {
    if (value.kind !== 'string' || components.includes(value.value)) return 'malformed';
    // `sf`, `key`, `bs`, `req`, `tr`: other readings of the same field, none of which we have.
    if (ofComponent.size > 0) return 'parameters of a component';
    components.push(value.value);
  }
  const keyId = textOf(parameters.get('keyid'));
  const nonce = textOf(parameters.get('nonce'));
  if (keyId === undefined) return 'no key id';
  if (parameters.has('nonce') && (nonce === undefined || nonce.length > NONCE_LENGTH_MAX)) return 'malformed';
  if (isNoNumber(parameters.get('created')) || isNoNumber(parameters.get('expires')) || isNoText(parameters.get('alg')))
    return 'malformed';
  return {
    components,
    parametersText: formatInnerList(input),
    bytes,
    keyId,
    algorithm: textOf(parameters.get('alg')),
    created: numberOf(parameters.get('created')),
    expires: numberOf(parameters.get('expires')),
    nonce,
  };
}

function textOf(item: BareItem | undefined): string | undefined {
  return item?.kind === 'string' ? item.value : undefined;
}

function numberOf(item: BareItem | undefined): number | undefined {
  return item?.kind === 'integer' ? item.value : undefined;
}

function isNoNumber(item: BareItem | undefined): boolean {
  return item !== undefined && item.kind !== 'integer';
}

function isNoText(item: BareItem | undefined): boolean {
  return item !== undefined && item.kind !== 'string';
}
