/** Values of a mapping: spans of a document that was read, and what operators make of such. */

import type { JsonName } from '#wire/json/json-name.ts';
import type { JsonKind, StepCount } from '#wire/json/json-value.ts';
import { JsonWriter } from '#wire/json/json-writer.ts';

/** What `JsonValue` is too. */
export interface MappingValue {
  readonly kind: JsonKind;
  /** What a string means; of everything else, how it is written. */
  readonly text: string;
  writeTo(writer: JsonWriter): void;
  /** Of a list; of everything else `undefined`. */
  items(): readonly MappingValue[] | undefined;
  /** Of an object; of everything else `undefined`. */
  members(): readonly ValueMember[] | undefined;
  find(name: JsonName, count?: StepCount): MappingValue | undefined;
  /** Of what is the name of a member: whether it is that one. */
  isName(name: JsonName): boolean;
  /** A member by its name, or an item by its place. */
  step(name: JsonName, count?: StepCount): MappingValue | undefined;
}

export interface ValueMember {
  /** A string. */
  readonly name: MappingValue;
  readonly value: MappingValue;
}

abstract class MadeValue implements MappingValue {
  abstract readonly kind: JsonKind;
  abstract readonly text: string;
  abstract writeTo(writer: JsonWriter): void;

  items(): readonly MappingValue[] | undefined {
    return undefined;
  }

  members(): readonly ValueMember[] | undefined {
    return undefined;
  }

  find(_name: JsonName, _count?: StepCount): MappingValue | undefined {
    return undefined;
  }

  isName({ text }: JsonName): boolean {
    return this.text === text;
  }

  step(_name: JsonName, _count?: StepCount): MappingValue | undefined {
    return undefined;
  }
}

export class MadeText extends MadeValue {
  readonly kind = 'string';
  readonly text: string;
  /** Made once, since names of maps are written again and again. */
  #json: string | undefined = undefined;

  constructor(text: string) {
    super();
    this.text = text;
  }

  writeTo(writer: JsonWriter): void {
    this.#json ??= JSON.stringify(this.text);
    writer.writeText(this.#json);
  }
}

/** A number as it is written in JSON. */
export class MadeNumber extends MadeValue {
  readonly kind = 'number';
  readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  writeTo(writer: JsonWriter): void {
    writer.writeText(this.text);
  }
}

/** What is not there yet: the place of it is left free. It is JSON, of which nothing else is known. */
export class ComingValue extends MadeValue {
  readonly kind = 'object';
  readonly text = '';

  writeTo(writer: JsonWriter): void {
    writer.leaveGap();
  }
}

export class MadeList extends MadeValue {
  readonly kind = 'list';
  readonly #items: readonly MappingValue[];

  constructor(items: readonly MappingValue[]) {
    super();
    this.#items = items;
  }

  get text(): string {
    return writeAsText(this);
  }

  override items(): readonly MappingValue[] {
    return this.#items;
  }

  override step({ place }: JsonName): MappingValue | undefined {
    return this.#items[place];
  }

  writeTo(writer: JsonWriter): void {
    writer.writeByte(0x5b);
    for (let i = 0; i < this.#items.length && !writer.isOver; i++) {
      if (i > 0) writer.writeByte(0x2c);
      this.#items[i]!.writeTo(writer);
    }
    writer.writeByte(0x5d);
  }
}

export class MadeObject extends MadeValue {
  readonly kind = 'object';
  readonly #members: readonly ValueMember[];

  constructor(members: readonly ValueMember[]) {
    super();
    this.#members = members;
  }

  get text(): string {
    return writeAsText(this);
  }

  override members(): readonly ValueMember[] {
    return this.#members;
  }

  override find(wanted: JsonName, count?: StepCount): MappingValue | undefined {
    if (count !== undefined) count.steps += this.#members.length;
    return this.#members.findLast(({ name }) => name.isName(wanted))?.value;
  }

  override step(name: JsonName, count?: StepCount): MappingValue | undefined {
    return this.find(name, count);
  }

  writeTo(writer: JsonWriter): void {
    writer.writeByte(0x7b);
    for (let i = 0; i < this.#members.length && !writer.isOver; i++) {
      const { name, value } = this.#members[i]!;
      if (i > 0) writer.writeByte(0x2c);
      name.writeTo(writer);
      writer.writeByte(0x3a);
      value.writeTo(writer);
    }
    writer.writeByte(0x7d);
  }
}

/** Whoever asks for the text of something large spends what it may make. */
function writeAsText(value: MappingValue): string {
  const writer = new JsonWriter(Number.POSITIVE_INFINITY);
  value.writeTo(writer);
  return writer
    .finish()
    .map((piece) => piece.toString())
    .join('');
}
