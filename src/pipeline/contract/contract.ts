/**
 * What a document asks of requests and answers, as data. The control thread writes it (src/openapi); data threads read of it
 * what a request needs. Schemas are JSON Schema 2020-12, whatever the document was written in, and stand by themselves: all that
 * they refer to are shared schemas of the same contract, as `{ $ref: 's12' }`.
 */

import type { ContractSource } from '#schema/contract-source.ts';

export type JsonSchema = Readonly<Record<string, unknown>> | boolean;
export type JsonType = 'string' | 'number' | 'integer' | 'boolean' | 'null' | 'array' | 'object';
export type ParameterPlace = 'path' | 'query' | 'header' | 'cookie';
export type ParameterStyle = 'simple' | 'label' | 'matrix' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject';

/** Names of annotations in shared schemas, which say what becomes of a schema for one direction and strictness. */
export const CLOSED_MARK = 'x-gatehouse-closed';
export const READ_ONLY_MARK = 'x-gatehouse-read-only';
export const WRITE_ONLY_MARK = 'x-gatehouse-write-only';

/** In the place of a `$ref`: a shared schema that is looked up when a value is there. */
export const LATE_REFERENCE = 'x-gatehouse-late';

/** What the first mark holds: which properties a value may have where no others are allowed. */
export interface DeclaredProperties {
  readonly names: readonly string[];
  readonly patterns: readonly string[];
}

/** What kinds of values a text may stand for, such as one parameter. */
export interface TextShape {
  readonly types: readonly JsonType[];
  readonly items?: TextShape | undefined;
  readonly properties?: Readonly<Record<string, TextShape>> | undefined;
  /** Of properties without a name of their own; `undefined` where there may be none. */
  readonly rest?: TextShape | undefined;
}

/** A schema, and the numbers of the shared schemas that it names. */
export interface SchemaUse {
  readonly schema: JsonSchema;
  readonly uses: readonly number[];
}

export interface ParameterRule {
  readonly in: ParameterPlace;
  readonly name: string;
  readonly isRequired: boolean;
  readonly allowsEmpty: boolean;
  readonly style: ParameterStyle;
  readonly explode: boolean;
  /** Its text is a JSON document, or as it comes; otherwise its style says how values are written. */
  readonly content: 'json' | 'text' | undefined;
  readonly shape: TextShape;
  readonly use: SchemaUse | undefined;
}

/** All parameters of a place as one object, by their names. */
export interface PlaceRule {
  readonly in: ParameterPlace;
  readonly shape: TextShape;
  readonly use: SchemaUse;
}

/** How a property of a form is written (OpenAPI 3.1 §4.8.15). */
export interface PropertyEncoding {
  /** Media types that its part may have, as ranges; empty: nothing is said. */
  readonly ranges: readonly string[];
  /** Where it is written like a parameter of a query. */
  readonly style: ParameterStyle | undefined;
  readonly explode: boolean;
}

export interface MediaRule {
  /** Lower case. A star stands for everything: behind the slash, before a suffix such as `+json`, or on both sides. */
  readonly range: string;
  readonly shape: TextShape;
  readonly use: SchemaUse | undefined;
  /** Of properties of a form, where something is said of them. */
  readonly encoding?: Readonly<Record<string, PropertyEncoding>> | undefined;
  /** Examples, by name; the one without a name is `''`. */
  readonly examples?: Readonly<Record<string, unknown>> | undefined;
}

export interface BodyRule {
  readonly isRequired: boolean;
  readonly media: readonly MediaRule[];
}

/** What an operation asks of its requests. */
export interface RequestRules {
  readonly parameters: readonly ParameterRule[];
  /** Of all parameters in a place together. */
  readonly places: readonly PlaceRule[];
  /** Without it, nothing is said of a body. */
  readonly body: BodyRule | undefined;
}

export interface AnswerRule {
  /** `200`, `2XX` or `default`. */
  readonly status: string;
  readonly headers: readonly ParameterRule[];
  readonly media: readonly MediaRule[];
}

/** What an operation promises of its answers. */
export interface AnswerRules {
  readonly answers: readonly AnswerRule[];
}

export interface OperationEntry {
  /** Its `operationId`, or method and path. */
  readonly name: string;
  /** Lines of its `RequestRules` and `AnswerRules`. */
  readonly requestLine: number;
  readonly answersLine: number;
}

export interface PathEntry {
  /** With `{name}` for what a request fills in. */
  readonly template: string;
  /** The paths of the servers under which it stands, without a slash at the end. */
  readonly bases: readonly string[];
  /** By method. */
  readonly operations: Readonly<Record<string, OperationEntry>>;
}

/** The first line of a contract. */
export interface ContractIndex {
  readonly title: string;
  /** Differs when anything of the contract does. */
  readonly digest: string;
  readonly paths: readonly PathEntry[];
  /** Of a file that is one schema and no document of an API. */
  readonly root: { readonly use: SchemaUse; readonly shape: TextShape } | undefined;
  readonly schemaCount: number;
  /** Some schema asks which properties or items others have looked at. */
  readonly asksForEvaluated: boolean;
}

export type SharedSchema = SchemaUse;

/** Line of the shared schema with a number; operations come behind all of them. */
export function toSchemaLine(schemaNumber: number): number {
  return 1 + schemaNumber;
}

export function toSchemaName(schemaNumber: number): string {
  return `s${schemaNumber}`;
}

/** Under which name a contract is handed to policies. */
export function toContractKey(source: ContractSource): string {
  return source.form === 'inline' ? `inline ${source.text}` : `${source.form} ${source.file}`;
}
