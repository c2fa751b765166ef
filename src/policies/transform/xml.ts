/**
 * XML as JSON and the other way round: an element is a member, its attributes are members that begin with `@`, its text is `#text`
 * where it has attributes or elements too; elements of one name are a list. All values are texts.
 */
import type { MappingValue } from '#pipeline/mapping/mapping-value.ts';
import type { BodyFault } from './body-fault.ts';
import { xmlLibrary } from './xml-library.ts';

/** XML 1.0 §2.3, without what a service could take for a namespace that it has not declared. */
const ELEMENT_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?$/;
/** XML 1.0 §2.2: these cannot be written, not even as references. */
const NOT_IN_XML =
  /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const OTHER_ENCODING = /^\s*<\?xml[^>]*\sencoding\s*=\s*["'](?!utf-8["'])/i;
const DECLARATION = /<!(?:DOCTYPE|ENTITY)/i;
const DEPTH_MAX = 64;
const ELEMENTS_MAX = 100_000;
const REASON_LENGTH_MAX = 100;
/** What begins a tag, an attribute's value or an entity: the library needs ever longer for each of them. */
const MARKS_MAX = 50_000;
const LESS_THAN = 0x3c;
const EQUALS = 0x3d;
const AMPERSAND = 0x26;

export function xmlToJson(bytes: Buffer): Buffer | BodyFault {
  if (hasTooManyMarks(bytes)) return { fault: `it has more than ${MARKS_MAX} tags, attributes and entities` };
  const text = bytes.toString('utf8');
  // Entities that a document declares can stand for gigabytes, or for files of whoever reads it.
  if (DECLARATION.test(text)) return { fault: 'it declares its own type or entities, which is not taken' };
  if (OTHER_ENCODING.test(text)) return { fault: 'it says that it is not in UTF-8' };
  const { module: codec } = xmlLibrary;
  try {
    const problem = codec.findProblem(text);
    if (problem !== undefined) return { fault: `it is not XML: ${problem}` };
    const read = codec.read(text);
    const elements = typeof read === 'object' && read !== null ? Object.values(read) : [];
    if (elements.length !== 1 || Array.isArray(elements[0])) return { fault: 'it has not one outermost element' };
    return Buffer.from(JSON.stringify(read));
  } catch (error) {
    // The library throws where a document is too deep, or has a name that is none of a member; its words may repeat what was sent.
    const reason = error instanceof Error ? error.message : String(error);
    return { fault: `it is not taken: ${reason.slice(0, REASON_LENGTH_MAX)}` };
  }
}

function hasTooManyMarks(bytes: Buffer): boolean {
  let marks = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === LESS_THAN || byte === EQUALS || byte === AMPERSAND) marks += 1;
  }
  return marks > MARKS_MAX;
}

export function valueToXml(value: MappingValue, lengthMax: number): Buffer | BodyFault {
  const members = value.members();
  if (members?.length !== 1 || members[0]!.value.kind === 'list')
    return { fault: 'only an object with one member, the outermost element, can become XML' };
  const conversion = new XmlConversion(lengthMax);
  const made = conversion.convert(value, 0);
  if (conversion.fault !== undefined) return { fault: conversion.fault };
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n${xmlLibrary.module.write(made)}`);
}

/** Texts, maps of them and lists, as the library takes them: numbers stay as they were written. */
type XmlValue = string | XmlValue[] | { [name: string]: XmlValue };

class XmlConversion {
  fault: string | undefined = undefined;
  #elements = 0;
  /** A mapping can put one long text into it many times. */
  #lengthLeft: number;

  constructor(lengthMax: number) {
    this.#lengthLeft = lengthMax;
  }

  convert(value: MappingValue, depth: number): XmlValue {
    this.#elements += 1;
    if (depth > DEPTH_MAX) this.fault ??= 'it is nested too deeply for XML';
    if (this.#elements > ELEMENTS_MAX) this.fault ??= `it has more than ${ELEMENTS_MAX} elements`;
    if (this.fault !== undefined) return '';
    const members = value.members();
    if (members === undefined) return this.#convertOther(value, depth);
    const made: { [name: string]: XmlValue } = Object.create(null);
    for (const { name: written, value: member } of members) {
      const name = written.text;
      const isAttribute = name.startsWith('@');
      if (!ELEMENT_NAME.test(isAttribute ? name.slice(1) : name) && name !== '#text')
        this.fault ??= `${JSON.stringify(name)} is no name in XML`;
      if ((isAttribute || name === '#text') && (member.kind === 'object' || member.kind === 'list'))
        this.fault ??= `${JSON.stringify(name)} cannot hold anything but text`;
      made[name] = this.convert(member, depth + 1);
    }
    return made;
  }

  #convertOther(value: MappingValue, depth: number): XmlValue {
    const items = value.items();
    if (items !== undefined) {
      if (items.some(({ kind }) => kind === 'list')) this.fault ??= 'a list in a list has no form in XML';
      return items.map((item) => this.convert(item, depth));
    }
    const text = value.kind === 'null' ? '' : value.text;
    this.#lengthLeft -= text.length;
    if (this.#lengthLeft < 0) this.fault ??= 'it is too long for XML';
    if (NOT_IN_XML.test(text)) this.fault ??= 'it has characters that XML has no form for';
    return text;
  }
}
